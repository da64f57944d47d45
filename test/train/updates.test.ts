/** Optimizers and what surrounds them against steps of PyTorch (fixtures/make_updates.py). */
import { afterEach, describe, expect, test } from 'vitest';
import { trainingGraph } from '../../lib/graph/programs.ts';
import { type AdamWOptions, adamw, type CompileOptions, type Graph, Model, sgd } from '../../lib/index.ts';
import { type ParameterOptions, planParameters } from '../../lib/train/parameters.ts';
import { expectClose } from '../helpers/close.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { batchOfStep, initialState, type Numbers, readFixture, tinyNet } from '../helpers/golden_net.ts';
import { tensor } from '../reference/index.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;

interface Steps {
  readonly losses: number[];
  readonly norms: number[];
  readonly state: Numbers;
}
interface Golden {
  readonly adamw: Steps;
  readonly clipped: Steps;
  readonly clippedAdamw: Steps;
  readonly frozen: Steps;
}
const golden = readFixture('updates.json') as Golden;

const opened: Model[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

async function open(options: CompileOptions): Promise<Model> {
  const model = new Model(tinyNet);
  opened.push(model);
  await model.compile(options);
  await model.loadStateDict(initialState());
  return model;
}

/** Some steps pass through some hundred sums of up to 1,024 terms each. */
const LOSS = 2e-5;

async function expectState(model: Model, expected: Numbers): Promise<void> {
  const state = await model.stateDict();
  for (const [name, values] of Object.entries(expected)) {
    const actual = state.get(name)!.data.subarray(0, values.length);
    expectClose(actual, tensor([values.length], values), { reduction: 4096, dtype: 'f32', label: name });
  }
}

async function expectSteps(model: Model, { losses, norms, state }: Steps, lr: number): Promise<void> {
  for (const [step, expected] of losses.entries()) {
    const { loss, gradientNorm } = await model.trainBatch(batchOfStep(step), { lr });
    expect(Math.abs(loss - expected)).toBeLessThan(LOSS * expected);
    if (norms.length === 0) expect(gradientNorm).toBeUndefined();
    else expect(Math.abs(gradientNorm! - norms[step]!)).toBeLessThan(LOSS * norms[step]!);
  }
  await expectState(model, state);
}

const momentum = () => sgd({ momentum: 0.9, weightDecay: 1e-3, decayNormsAndBiases: false });
const decoupled = () => adamw({ weightDecay: 0.05 });

describe.each(['cpu', 'cuda'] as const)('%s', (device) => {
  test('AdamW', async () => {
    await expectSteps(await open({ device, optimizer: decoupled() }), golden.adamw, 0.01);
  });

  test('SGD with gradients whose norm is limited', async () => {
    await expectSteps(await open({ device, optimizer: momentum(), clipNorm: 0.5 }), golden.clipped, 0.05);
  });

  test('AdamW with gradients whose norm is limited', async () => {
    const model = await open({ device, optimizer: decoupled(), clipNorm: 0.5 });
    await expectSteps(model, golden.clippedAdamw, 0.01);
  });

  test('a limit that is not reached changes nothing', async () => {
    const [free, limited] = [
      await open({ device, optimizer: momentum() }),
      await open({ device, optimizer: momentum(), clipNorm: 1e6 }),
    ];
    for (const model of [free, limited]) await model.trainBatch(batchOfStep(0), { lr: 0.05 });
    expect(await limited.stateDict()).toEqual(await free.stateDict());
  });
});

const runningMean = async (model: Model) => (await model.stateDict()).get('bn1.running_mean')!.data;
const frozenLayers = ['conv1', 'bn1', 'layer1'];

test.each(['cpu', 'cuda'] as const)('frozen layers and norms, and a group, on %s', async (device) => {
  const options: CompileOptions = {
    optimizer: momentum(),
    freeze: frozenLayers,
    freezeNorms: ['bn1', 'layer1'],
    groups: [{ match: 'fc', lrScale: 5, weightDecay: 0.01 }],
  };
  const model = await open({ device, ...options });
  await expectSteps(model, golden.frozen, 0.02);
  const [first, after] = [initialState(), await model.stateDict()];
  for (const [name, { data }] of first) {
    const isFrozen = frozenLayers.some((layer) => name.startsWith(`${layer}.`));
    if (isFrozen) expect(after.get(name)!.data, name).toEqual(data);
    else expect(after.get(name)!.data, name).not.toEqual(data);
  }
});

describe('frozen', () => {
  const graphOf = (options: ParameterOptions) =>
    trainingGraph(tinyNet.graph, {
      batch: 2,
      labels: 'indices',
      labelSmoothing: 0,
      rule: sgd(),
      scalesLoss: false,
      statisticsMomentum: 0.1,
      ...planParameters(tinyNet, { optimizer: sgd(), ...options }),
    });
  const count = ({ nodes }: Graph, op: string, layer: string) =>
    nodes.filter((node) => node.op === op && node.layer.startsWith(layer)).length;

  test('layers have no gradients, and those before them neither', () => {
    const graph = graphOf({ freeze: frozenLayers });
    expect(
      graph.nodes.filter(({ op, layer }) => op.includes('_grad') && /^(conv1|bn1|layer1)/.test(layer)),
    ).toEqual([]);
    expect(count(graph, 'conv2d_grad_weight', 'layer2')).toBe(3);
    // Two of them have layer1's output as input.
    expect(count(graph, 'conv2d_grad_input', 'layer2')).toBe(1);
  });

  test('weights in the middle still hand gradients on', () => {
    const graph = graphOf({ freeze: ['layer2.*.weight'] });
    expect(count(graph, 'conv2d_grad_weight', 'layer2')).toBe(0);
    expect(count(graph, 'conv2d_grad_input', 'layer2')).toBe(3);
    expect(count(graph, 'conv2d_grad_weight', 'conv1')).toBe(1);
  });

  test('norms move no statistics', () => {
    const moved = (options: ParameterOptions) =>
      graphOf(options).nodes.find(({ op }) => op === 'running_update')?.inputs.length ?? 0;
    expect(moved({})).toBe(4 * 6);
    expect(moved({ freezeNorms: ['layer2'] })).toBe(4 * 3);
    expect(moved({ freezeNorms: true })).toBe(0);
  });

  test('all norms, in the last epochs of fit, plain and accumulated', async () => {
    for (const accumulate of [1, 2]) {
      const model = await open({ device: 'cpu', optimizer: momentum() });
      const statistics: Float32Array[] = [];
      const keep = { onEpochEnd: async () => void statistics.push(await runningMean(model)) };
      const options = { epochs: 4, frozenNormEpochs: 2, accumulate, callbacks: [keep] };
      await model.fit([batchOfStep(0), batchOfStep(1)], options);
      const [first, second, third, fourth] = statistics;
      expect(second).not.toEqual(first);
      expect([third, fourth]).toEqual([second, second]);
    }
  });

  test('all norms, while weights are trained', async () => {
    const model = await open({ device: 'cpu', optimizer: momentum(), freezeNorms: true });
    await model.trainBatch(batchOfStep(0), { lr: 0.05 });
    const after = await model.stateDict();
    for (const [name, { data }] of initialState()) {
      if (name.includes('running')) expect(after.get(name)!.data).toEqual(data);
      else expect(after.get(name)!.data).not.toEqual(data);
    }
  });
});

test('the first group that fits a parameter counts', () => {
  const groups = [
    { match: ['fc.weight', '*.bias'], lrScale: 0 },
    { match: 'fc', lrScale: 3, weightDecay: 1 },
  ];
  const { updates } = planParameters(tinyNet, { optimizer: sgd({ weightDecay: 0.5 }), groups });
  expect(updates.get('fc.weight')).toEqual({ rate: 0, decay: 0.5 });
  expect(updates.get('fc.bias')).toEqual({ rate: 0, decay: 0.5 });
  expect(updates.get('conv1.weight')).toEqual({ rate: 1, decay: 0.5 });
  const [, second] = groups;
  const other = planParameters(tinyNet, { optimizer: adamw(), groups: [second!] }).updates;
  expect(other.get('fc.bias')).toEqual({ rate: 3, decay: 1 });
  expect(other.get('bn1.weight')).toEqual({ rate: 1, decay: 0 });
});

test('updates that are skipped as gradients overflow do not count', async () => {
  const optimizer = adamw({ weightDecay: 0.1 });
  const open16 = () => open({ device: 'cuda', precision: 'float16', optimizer, clipNorm: 1 });
  const [model, other] = [await open16(), await open16()];
  const scaled = new Map(initialState());
  const { shape, data } = scaled.get('fc.weight')!;
  scaled.set('fc.weight', { shape, data: data.map((value) => value * -1e5) });
  await model.loadStateDict(scaled);
  const before = await model.stateDict();
  await model.trainBatch(batchOfStep(0), { lr: 0.01 });
  expect(await model.lossScale()).toBe(32768);
  expect(await model.stateDict()).toEqual(before);
  // The first update after it is the first of all: with the same scale they are the same.
  await model.loadStateDict(initialState());
  await other.loadStateDict(initialState());
  const first = async (one: Model) => (await one.trainBatch(batchOfStep(1), { lr: 0.01 })).loss;
  expect(await first(model)).toBe(await first(other));
  const [a, b] = [await model.stateDict(), await other.stateDict()];
  for (const [name, { data: values }] of b) {
    const expected = tensor([values.length], values);
    expectClose(a.get(name)!.data, expected, { reduction: 1, bits: 8, dtype: 'f32', label: name });
  }
});

describe('wrong use', () => {
  test.each([
    [{ beta1: 1 }, 'adamw: beta1: expected a finite number of at least 0 and below 1, received 1'],
    [{ beta2: -1 }, 'adamw: beta2: expected'],
    [{ epsilon: 0 }, 'adamw: epsilon: expected a finite number above 0, received 0'],
    [{ weightDecay: -1 }, 'adamw: weightDecay: expected'],
    [{ momentum: 0.9 }, "received 'momentum'"],
  ])('adamw(%o)', (options, message) => {
    expect(() => adamw(options as AdamWOptions)).toThrow(message);
  });

  test.each([
    [{ clipNorm: 0 }, 'compile: clipNorm: expected a finite number above 0, received 0'],
    [{ clipNorm: '1' }, 'compile: clipNorm: expected a number'],
    [{ freeze: 'conv1' }, 'compile: freeze: expected an array of names'],
    [{ freeze: [7] }, 'compile: freeze: expected names of layers or parameters, received 7'],
    [{ freeze: ['conv'] }, 'compile: freeze: expected the start of a name such as conv1.weight, bn1.weight'],
    [{ freeze: ['bn1.running_mean'] }, "nothing fits 'bn1.running_mean'"],
    [{ freeze: ['*'] }, 'compile: freeze: expected some parameters to train, received all of them'],
    [{ freezeNorms: ['fc'] }, 'compile: freezeNorms: expected the start of a name such as bn1, layer1.0.bn1'],
    [
      { freezeNorms: ['*.bn2'] },
      'expected both or none of layer2.0.bn2.running_mean and layer2.0.downsample.1',
    ],
    [{ freezeNorms: [] }, 'compile: freezeNorms: expected at least one name, received none'],
    [{ groups: { match: 'fc' } }, 'compile: groups: expected an array of groups'],
    [{ groups: [{ match: 'fd' }] }, 'compile: groups[0].match: expected the start of a name'],
    [{ groups: [{ match: 'fc', lrScale: -1 }] }, 'compile: groups[0].lrScale: expected a finite number'],
    [{ groups: [{ match: 'fc', weightDecay: Number.NaN }] }, 'compile: groups[0].weightDecay: expected'],
    [
      { groups: [{ match: 'fc', lr: 1 }] },
      "compile: groups[0]: expected options match, lrScale, weightDecay, received 'lr'",
    ],
    [{ optimizer: { kind: 'adam' } }, 'compile: optimizer: expected sgd() or adamw()'],
  ])('compile(%o)', async (options, message) => {
    const model = new Model(tinyNet);
    await expect(model.compile(options as CompileOptions)).rejects.toThrow(message);
    model.dispose();
  });
});
