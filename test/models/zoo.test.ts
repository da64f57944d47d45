/** The zoo: every model is built; parameters, multiply-adds and names are those of the paper and of its public ports. */
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

const wrong = <T>(value: unknown): T => value as T;
const summaryOf = (name: ModelName, options: ModelBuildOptions = {}) => summarize(buildModel(name, options));

describe('parameters', () => {
  test.each([
    ['resnet18', {}, 11_689_512],
    ['resnet34', {}, 21_797_672],
    ['resnet50', {}, 25_557_032],
    ['resnet101', {}, 44_549_160],
    ['resnet152', {}, 60_192_808],
    ['se_resnet18', {}, 11_778_592],
    ['se_resnet34', {}, 21_958_868],
    ['se_resnet50', {}, 28_088_024],
    ['se_resnet50', { se: { bias: false } }, 28_071_976],
    ['se_resnet101', {}, 49_326_872],
    ['se_resnet152', {}, 66_821_848],
    ['resnext50_32x4d', {}, 25_028_904],
    ['se_resnext26_32x4d', {}, 16_790_280],
    ['se_resnext50_32x4d', {}, 27_559_896],
    ['se_resnext101_32x4d', {}, 48_955_416],
    ['senet154', {}, 115_088_984],
    ['vgg16_bn', {}, 138_365_992],
    // 11,295,240 with the biases of the public port's convolutions.
    ['bn_inception', {}, 11_285_224],
    ['se_bn_inception', {}, 11_931_622],
    ['mobilenet', {}, 4_231_976],
    ['shufflenet_g3', {}, 1_865_728],
  ] as const)('%s %j', (name, options, expected) => {
    expect(summaryOf(name, options).parameters).toBe(expected);
  });

  test.each([20, 32, 44, 56, 110] as const)('CIFAR style, %i layers', (depth) => {
    const n = (depth - 2) / 6;
    const conv = (c: number, k: number, kernel: number) => c * k * kernel * kernel + 2 * k;
    const stage = (c: number, k: number) =>
      conv(c, k, 3) + (2 * n - 1) * conv(k, k, 3) + (c === k ? 0 : conv(c, k, 1));
    const plain = conv(3, 16, 3) + stage(16, 16) + stage(16, 32) + stage(32, 64) + 64 * 10 + 10;
    expect(summaryOf(`resnet${depth}`).parameters).toBe(plain);
    // Reduction 16: 1, 2 and 4 hidden units, with biases.
    const se = [16, 32, 64].reduce((sum, c) => sum + n * ((2 * c * c) / 16 + c / 16 + c), 0);
    expect(summaryOf(`se_resnet${depth}`).parameters).toBe(plain + se);
  });

  /** Blocks of 3x3 convolutions with norms ahead, or of 1x1, 3x3 and 1x1, and the shortcuts' convolutions. */
  test.each([
    ['preresnet110', 18, 16, undefined],
    ['preresnet164', 18, 64, 4],
    ['wrn16_8', 2, 128, undefined],
  ] as const)('%s, norms ahead', (name, blocks, first, divisor) => {
    let channels = 16;
    let total = 3 * 16 * 9;
    let excitations = 0;
    for (const filters of [first, 2 * first, 4 * first]) {
      for (let i = 0; i < blocks; i += 1) {
        const width = filters / (divisor ?? 1);
        total += 2 * channels + (channels === filters ? 0 : channels * filters);
        total +=
          divisor === undefined
            ? channels * filters * 9 + 2 * filters + filters * filters * 9
            : channels * width + 2 * width + width * width * 9 + 2 * width + width * filters;
        excitations += (2 * filters * filters) / 16 + filters / 16 + filters;
        channels = filters;
      }
    }
    total += 2 * channels + channels * 10 + 10;
    expect(summaryOf(name).parameters).toBe(total);
    expect(summaryOf(`se_${name}`).parameters).toBe(total + excitations);
  });

  // The counts that the networks are known by, in millions.
  test.each([
    ['preresnet110', 1.73],
    ['preresnet164', 1.7],
    ['wrn16_8', 10.96],
  ] as const)('%s has %d million', (name, millions) => {
    expect(summaryOf(name).parameters / 1e6).toBeCloseTo(millions, 1);
  });

  // Its Table III, which cuts digits off, and Table II: parameters and multiply-adds in millions.
  test.each([
    ['mobilenet', 4.2, 569],
    ['se_mobilenet', 4.7, 572],
    ['shufflenet_g3', 1.8, 140],
    ['se_shufflenet_g3', 2.4, 142],
    ['vgg16_bn', 138.3, 15470],
    ['se_vgg16_bn', 138.5, 15480],
  ] as const)('%s: %d million parameters, %d million multiply-adds', (name, parameters, macs) => {
    const summary = summaryOf(name, name.startsWith('se_') ? { se: { bias: false } } : {});
    expect(Math.floor(summary.parameters / 1e5) / 10).toBe(parameters);
    expect(Math.abs(summary.macs / 1e6 / macs - 1)).toBeLessThan(0.03);
  });

  // Its Table XV, counted like Table X; its Table XVI.
  test('SE behind the 3x3 convolutions, and without squeeze', () => {
    const inside = summaryOf('se_resnet50', { se: { placement: '3x3', bias: false } });
    expect((inside.parameters + inside.states) / 1e6).toBeCloseTo(25.77, 2);
    const options = { strideIn: '1x1', se: { squeeze: 'none', bias: false } } as const;
    expect(summaryOf('se_resnet50', options).macs / 1e9).toBeCloseTo(4.27, 2);
  });

  // The paper's Table X counts running statistics and no SE biases, in millions.
  test.each([
    [2, 45.73],
    [4, 35.67],
    [8, 30.64],
    [16, 28.13],
    [32, 26.87],
  ])('reduction %i', (reduction, millions) => {
    const { parameters, states } = summaryOf('se_resnet50', { se: { reduction, bias: false } });
    expect((parameters + states) / 1e6).toBeCloseTo(millions, 1);
  });

  // Its Table XIII, counted likewise; the paper's stage 2 is the first with blocks.
  test.each([
    [[1], 25.63],
    [[2], 25.74],
    [[3], 26.4],
    [[1, 2, 3, 4], 28.13],
  ])('SE in stages %j', (stages, millions) => {
    const { parameters, states } = summaryOf('se_resnet50', { se: { stages, bias: false } });
    expect(Math.abs((parameters + states) / 1e6 - millions)).toBeLessThan(0.006);
  });
});

test('SE is in the chosen stages only', () => {
  const names = buildModel('se_resnet50', { se: { stages: [4, 2] } }).parameters.map(({ name }) => name);
  const found = names.filter((name) => name.endsWith('.se.fc1.weight')).map((name) => name.slice(0, 6));
  expect(new Set(found)).toEqual(new Set(['layer2', 'layer4']));
});

test('dropout stands before the classifier, and only when it is asked for', () => {
  const opsOf = (options: ModelBuildOptions) =>
    buildModel('resnet20', options).graph.nodes.map(({ op }) => op);
  expect(opsOf({ dropout: 0.2 }).slice(-3)).toEqual(['global_avg_pool', 'dropout', 'linear']);
  expect(opsOf({ dropout: 0 })).not.toContain('dropout');
  expect(opsOf({})).not.toContain('dropout');
});

test.each([
  ['resnet50', '1x1', 3.858],
  ['resnet50', '3x3', 4.089],
  ['se_resnet50', '1x1', 3.86],
  ['se_resnet50', '3x3', 4.092],
  ['resnext50_32x4d', '3x3', 4.23],
  ['se_resnext50_32x4d', '3x3', 4.233],
  ['se_resnext101_32x4d', '3x3', 7.975],
  ['senet154', '3x3', 20.688],
] as const)('multiply-adds of %s with the stride in the %s', (name, strideIn, billions) => {
  expect(Math.abs(summaryOf(name, { strideIn }).macs / 1e9 - billions)).toBeLessThan(0.001);
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
  const definition = buildModel(name, { input: [40, 33, 2], classes: 7 });
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
