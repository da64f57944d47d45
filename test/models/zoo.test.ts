/** The zoo: every model is built, with its options and under its names. */
import { describe, expect, test } from 'vitest';
import { ArgumentError, ArgumentRangeError } from '../../lib/errors.ts';
import { withBatch } from '../../lib/graph/rewrite.ts';
import {
  buildModel,
  formatSummary,
  listModels,
  type ModelBuildOptions,
  type ModelName,
  summarize,
} from '../../lib/models/index.ts';
import { smallInput } from '../helpers/small_input.ts';

const wrong = <T>(value: unknown): T => value as T;
const summaryOf = (name: ModelName, options: ModelBuildOptions = {}) => summarize(buildModel(name, options));

test('SE is in the chosen stages only', () => {
  const names = buildModel('se_resnet50', { se: { stages: [4, 2] } }).parameters.map(({ name }) => name);
  const found = names.filter((name) => name.endsWith('.se.fc1.weight')).map((name) => name.slice(0, 6));
  expect(new Set(found)).toEqual(new Set(['layer2', 'layer4']));
});

test('the pool behind the stem', () => {
  const pooled = (name: ModelName, options: ModelBuildOptions = {}) =>
    summaryOf(name, { input: [61, 64, 3], ...options }).rows.find(({ op }) => op === 'max_pool')!.outputShape;
  expect(pooled('resnet18')).toEqual([16, 16, 64]);
  expect(pooled('resnet18', { pool: 'ceil' })).toEqual([15, 16, 64]);
  expect(pooled('legacy_seresnet18')).toEqual([15, 16, 64]);
});

describe('aliases', () => {
  test('are listed when asked for', () => {
    expect(listModels()).not.toContain('seresnet50');
    expect(listModels({ aliases: true })).toContain('seresnet50');
    expect(listModels({ aliases: true })).toEqual(expect.arrayContaining(listModels()));
    expect(() => listModels(wrong({ alias: true }))).toThrow(/listModels: expected options aliases/);
    expect(() => listModels(wrong({ aliases: 1 }))).toThrow(/listModels: aliases: expected true or false/);
  });

  test('are models with options, which those given come before', () => {
    const { config, name } = buildModel('legacy_seresnet50', { classes: 7, se: { reduction: 8 } });
    expect(name).toBe('se_resnet50');
    expect(config).toEqual({
      model: 'se_resnet50',
      input: [224, 224, 3],
      classes: 7,
      pool: 'ceil',
      strideIn: '1x1',
      se: { reduction: 8 },
    });
    const rule = (options: ModelBuildOptions) => buildModel('seresnet18', options).config['se'];
    expect(rule({ se: { bias: false } })).toEqual({ rule: 'divisible8', bias: false });
    expect(rule({ se: { rule: 'floor' } })).toEqual({ rule: 'floor' });
    expect(() => buildModel('seresnet18', { se: wrong(false) })).toThrow(/model: se: expected an options/);
    expect(() => buildModel(wrong('legacy_seresnet51'))).toThrow(/such as legacy_seresnet50/);
  });
});

test('dropout stands before the classifier, and only when it is asked for', () => {
  const opsOf = (options: ModelBuildOptions) =>
    buildModel('resnet20', options).graph.nodes.map(({ op }) => op);
  expect(opsOf({ dropout: 0.2 }).slice(-3)).toEqual(['global_avg_pool', 'dropout', 'linear']);
  expect(opsOf({ dropout: 0 })).not.toContain('dropout');
  expect(opsOf({})).not.toContain('dropout');
});

/** The keys of timm's seresnet50, without num_batches_tracked. */
function timmKeys(): string[] {
  const norm = (name: string) =>
    ['weight', 'bias', 'running_mean', 'running_var'].map((part) => `${name}.${part}`);
  const fc = (name: string) => [`${name}.weight`, `${name}.bias`];
  const block = (name: string, first: boolean) => [
    ...[1, 2, 3].flatMap((i) => [`${name}.conv${i}.weight`, ...norm(`${name}.bn${i}`)]),
    ...[...fc(`${name}.se.fc1`), ...fc(`${name}.se.fc2`)],
    ...(first ? [`${name}.downsample.0.weight`, ...norm(`${name}.downsample.1`)] : []),
  ];
  const stages = [3, 4, 6, 3].flatMap((blocks, stage) =>
    Array.from({ length: blocks }, (_, i) => block(`layer${stage + 1}.${i}`, i === 0)).flat(),
  );
  return ['conv1.weight', ...norm('bn1'), ...stages, ...fc('fc')];
}

test('names and stored shapes are those of timm', () => {
  const specs = new Map(buildModel('se_resnet50').parameters.map((spec) => [spec.name, spec]));
  expect([...specs.keys()].sort()).toEqual(timmKeys().sort());
  expect(specs.size).toBe(331);
  const stored = (name: string) => specs.get(name)?.storedShape ?? specs.get(name)?.shape;
  expect(stored('conv1.weight')).toEqual([64, 3, 7, 7]);
  expect(stored('bn1.running_mean')).toEqual([64]);
  expect(stored('layer1.0.conv2.weight')).toEqual([64, 64, 3, 3]);
  expect(stored('layer1.0.se.fc1.weight')).toEqual([16, 256, 1, 1]);
  expect(stored('layer4.2.se.fc2.bias')).toEqual([2048]);
  expect(stored('layer1.0.downsample.0.weight')).toEqual([256, 64, 1, 1]);
  expect(stored('layer2.0.downsample.1.running_var')).toEqual([512]);
  expect(stored('fc.weight')).toEqual([1000, 2048]);
});

test('the names of SENet-154 are those of timm', () => {
  const names = new Set(buildModel('senet154').parameters.map(({ name }) => name));
  for (const name of ['conv1.0.weight', 'conv1.1.bias', 'conv1.3.weight', 'conv1.4.running_mean']) {
    expect(names).toContain(name);
  }
  const shapes = new Map(buildModel('senet154').parameters.map(({ name, shape }) => [name, shape]));
  expect(shapes.get('layer1.0.conv1.weight')![0]).toBe(128);
  expect(shapes.get('layer1.0.conv2.weight')).toEqual([256, 2, 3, 3]);
  expect(shapes.get('layer1.0.downsample.0.weight')!.slice(2)).toEqual([1, 1]);
  expect(shapes.get('layer2.0.downsample.0.weight')!.slice(2)).toEqual([3, 3]);
});

/** The ops of a model's first block with a shortcut as it is, by layer. */
const opsOfBlock = (name: ModelName, options: ModelBuildOptions): string[] =>
  buildModel(name, options)
    .graph.nodes.filter(({ layer }) => layer.startsWith('layer1.1.'))
    .map(({ op, layer }) => `${op} ${layer.slice('layer1.1.'.length)}`);

test.each([
  ['standard', ['norm_tail bn1', 'norm_tail bn2', 'norm_tail bn3']],
  ['pre', ['squeeze_excite se', 'norm_tail bn1', 'norm_tail bn2', 'norm_tail bn3']],
  ['post', ['norm_tail bn1', 'norm_tail bn2', 'norm_tail bn3', 'squeeze_excite se']],
  ['identity', ['norm_tail bn1', 'norm_tail bn2', 'squeeze_excite se', 'norm_tail bn3']],
  [
    'relu',
    [...['norm_tail bn1', 'norm_tail bn2', 'norm_activation bn3'], ...['add add1', 'activation relu1']],
  ],
  ['3x3', ['norm_tail bn1', 'norm_tail bn2', 'norm_tail bn3']],
] as const)('SE placed %s', (placement, expected) => {
  const ops = opsOfBlock('se_resnet50', { se: { placement } });
  expect(ops.filter((op) => !op.startsWith('conv2d'))).toEqual(expected);
  const widths = buildModel('se_resnet50', { se: { placement } }).parameters.find(
    ({ name }) => name === 'layer1.1.se.fc2.bias',
  )!;
  expect(widths.shape).toEqual([placement === '3x3' ? 64 : 256]);
});

test('names of the mobile networks and of VGG', () => {
  const has = (model: ModelName, ...names: string[]) => {
    const known = new Set(buildModel(model).parameters.map(({ name }) => name));
    for (const name of names) expect(known).toContain(name);
  };
  has(
    'se_vgg16_bn',
    'features.0.weight',
    'features.0.bias',
    'features.1.running_var',
    'features.2.se.fc1.bias',
  );
  has('vgg16_bn', 'features.40.weight', 'features.41.weight', 'classifier.0.weight', 'classifier.6.bias');
  has('se_bn_inception', 'conv1_7x7_s2_bn.bias', 'inception_3a_se.fc1.weight', 'last_linear.bias');
  has('bn_inception', 'inception_4e_double_3x3_2.weight', 'inception_5b_pool_proj_bn.running_var');
  has('mobilenet', 'conv_stem.weight', 'bn1.bias', 'blocks.3.5.conv_dw.weight', 'blocks.4.1.bn2.weight');
  has('se_shufflenet_g3', 'conv1.weight', 'stage2.0.conv1.weight', 'stage4.3.se.fc2.weight', 'fc.bias');
});

test.each([
  [224, [28, 14, 7]],
  [200, [25, 13, 7]],
  [33, [5, 3, 2]],
])('BN-Inception of %i pixels has maps of %j', (pixels, expected) => {
  const { rows } = summaryOf('bn_inception', { input: [pixels, pixels, 3] });
  const concats = rows.filter(({ op }) => op === 'concat').map(({ outputShape }) => outputShape);
  expect([0, 2, 7].map((i) => concats[i]![0])).toEqual(expected);
  expect(concats.map((shape) => shape[2])).toEqual([
    ...[256, 320, 576, 576, 576, 608, 608, 1056, 1024, 1024],
  ]);
});

test.each(listModels())('%s is built for other images, classes and batches', (name) => {
  const definition = buildModel(name, { input: smallInput(name, 2), classes: 7 });
  expect(definition.classes).toBe(7);
  const graph = withBatch(definition.graph, 3);
  expect(graph.values[graph.outputs[0]!]!.shape).toEqual([3, 7]);
});

test.each(['avg', 'max', 'none'] as const)('squeeze %s', (squeeze) => {
  const { parameters } = summaryOf('se_resnet20', { se: { squeeze, gate: 'tanh', reduction: 8 } });
  expect(parameters).toBe(summaryOf('se_resnet20', { se: { reduction: 8 } }).parameters);
});

test('the reduced width follows its rule', () => {
  const width = (rule: 'floor' | 'divisible8') =>
    buildModel('se_resnet20', { se: { rule } }).parameters.find(
      ({ name }) => name === 'layer1.0.se.fc1.bias',
    )!.shape;
  expect(width('floor')).toEqual([1]);
  expect(width('divisible8')).toEqual([8]);
});

test('the summary is a table with a total', () => {
  const text = formatSummary(summaryOf('se_resnet20'));
  expect(text).toMatch(/layer +op +output +parameters +multiply-adds/);
  expect(text).toMatch(/total +274,847 +[\d,]+$/);
});

describe('wrong use', () => {
  test('an unknown name lists those that are like it', () => {
    expect(() => buildModel(wrong('se_resnt50'))).toThrow(ArgumentRangeError);
    expect(() => buildModel(wrong('se_resnt50'))).toThrow(/such as se_resnet50.*received 'se_resnt50'/);
    expect(() => buildModel(wrong('__proto__'))).toThrow(ArgumentRangeError);
    expect(() => buildModel(wrong(3))).toThrow(ArgumentError);
  });

  test('options that do not exist or do not apply', () => {
    expect(() => buildModel('resnet50', wrong({ clases: 3 }))).toThrow(/received 'clases'/);
    expect(() => buildModel('resnet50', { se: {} })).toThrow(/use 'se_resnet50'/);
    expect(() => buildModel('resnet20', { strideIn: '1x1' })).toThrow(/no bottlenecks/);
    expect(() => buildModel('resnet50', wrong(null))).toThrow(ArgumentError);
    expect(() => buildModel('se_resnet50', { se: wrong(false) })).toThrow(/model: se: expected an options/);
  });

  test.each([[[]], [[0]], [[5]], [[1, 1]], [[1.5]], [3], ['1'], [null]])('SE in stages %j', (stages) => {
    expect(() => buildModel('se_resnet50', { se: { stages: wrong(stages) } })).toThrow(
      /^model: se: stages: /,
    );
  });

  test.each([
    [0, /^model: se: reduction: expected an integer of at least 1/],
    ['16', /^model: se: reduction: expected an integer/],
    [null, /^model: se: reduction: expected an integer/],
    [[8, 8, 8], /^model: se: reduction: expected one number, or one for each of 4 stages, received 3$/],
    [[8, 8, 8, 0.5], /^model: se: reduction: expected an integer/],
    [[], /^model: se: reduction: expected one number/],
  ])('a reduction of %j', (reduction, message) => {
    expect(() => buildModel('se_resnet50', { se: { reduction: wrong(reduction) } })).toThrow(message);
  });

  test('pools that do not exist or do not apply', () => {
    expect(() => buildModel('resnet50', { pool: wrong('floor') })).toThrow(
      /^model: pool: expected padded \| ceil/,
    );
    expect(() => buildModel('resnet20', { pool: 'ceil' })).toThrow(
      /^model: pool: 'resnet20' has no max pool/,
    );
    expect(() => buildModel('vgg16_bn', { pool: 'ceil' })).toThrow(
      /^model: pool: 'vgg16_bn' has no max pool/,
    );
  });

  test.each([-0.1, 1, Number.NaN, '0.5', true])('a dropout of %s', (dropout) => {
    expect(() => buildModel('resnet20', { dropout: wrong(dropout) })).toThrow(/^model: dropout: expected/);
  });

  test('placements that do not exist or do not apply', () => {
    const placed = (placement: unknown) => ({ se: { placement: wrong<'pre'>(placement) } });
    expect(() => buildModel('se_resnet50', placed('behind'))).toThrow(/^model: se: placement: expected/);
    expect(() => buildModel('se_resnet20', placed('3x3'))).toThrow(/^model: se: placement: expected/);
    expect(() => buildModel('se_wrn16_8', placed('pre'))).toThrow(/^model: se: placement: expected/);
    expect(() => buildModel('se_resnet50', placed(3))).toThrow(ArgumentError);
  });

  test('images too small for the network', () => {
    expect(() => buildModel('resnet50', { input: [0, 32, 3] })).toThrow(ArgumentRangeError);
    expect(() => buildModel('resnet50', { input: wrong([32, 32]) })).toThrow(ArgumentError);
  });
});
