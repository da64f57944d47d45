/**
 * The forms of residual blocks, in a tiny network each: predictions and one training step against the reference; and
 * predictions of whole networks.
 */
import { describe, expect, test } from 'vitest';
import { trainingGraph } from '../../lib/graph/programs.ts';
import { withBatch } from '../../lib/graph/rewrite.ts';
import {
  basicBlock,
  bottleneck,
  conv2d,
  defineModel,
  type FeatureMap,
  globalAvgPool,
  invertedResidual,
  linear,
  type ModelDefinition,
  normTail,
  preactivationBlock,
  type ResidualSqueezeExciteOptions,
  type SqueezeExcitePlacement,
} from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import { buildModel } from '../../lib/models/index.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { Random } from '../helpers/random.ts';
import { interpret, type RefTensor, tensor } from '../reference/index.ts';

const BATCH = 3;
const CLASSES = 4;
const INPUT = [6, 5, 3] as const;
const LR = 0.1;
const labels = Int32Array.of(1, 0, 3);

const define = (body: (x: FeatureMap<16>) => FeatureMap): ModelDefinition =>
  defineModel({ input: INPUT }, (images) => {
    const stem = normTail(conv2d(images, { filters: 16, kernel: 3, bias: false, name: 'stem' }));
    return linear(globalAvgPool(body(stem)), { units: CLASSES, name: 'fc' });
  });

const random = new Random('blocks');
const images = Float32Array.from({ length: BATCH * 90 }, () => random.normal());

/** A model with norms that do something, and the same weights for the reference. */
async function prepare(definition: ModelDefinition) {
  const model = new Model(definition, { seed: 3 });
  await model.compile({ device: 'cpu', threads: 1, optimizer: sgd({ momentum: 0, weightDecay: 0 }) });
  const state = new Map(await model.stateDict());
  for (const [name, { shape, data }] of state) {
    const changed = data.map((value) => value + 0.4 * (random.uniform() - 0.5));
    if (shape.length === 1) state.set(name, { shape, data: changed });
  }
  await model.loadStateDict(state);
  const feeds = new Map<string, RefTensor>();
  for (const { name, shape } of definition.parameters) {
    feeds.set(name, tensor(shape, state.get(name)!.data));
  }
  return { model, feeds };
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

/** Compares predictions; gives back what the reference made them of. */
async function checkPrediction(definition: ModelDefinition, pixels: Float32Array) {
  const { model, feeds } = await prepare(definition);
  feeds.set('images', tensor([BATCH, ...definition.input], pixels));
  const [logits] = interpret(withBatch(definition.graph, BATCH), feeds);
  const probabilities = await model.predict(pixels, { batchSize: BATCH });
  for (let n = 0; n < BATCH; n += 1) {
    const row = logits!.data.subarray(n * CLASSES, (n + 1) * CLASSES);
    const powers = row.map((logit) => Math.exp(logit - Math.max(...row)));
    const sum = powers.reduce((a, b) => a + b);
    const expected = powers.map((power) => power / sum);
    expect(largest(probabilities.subarray(n * CLASSES, (n + 1) * CLASSES), expected)).toBeLessThan(1e-5);
  }
  return { model, feeds };
}

async function check(body: (x: FeatureMap<16>) => FeatureMap): Promise<void> {
  const definition = define(body);
  const { model, feeds } = await checkPrediction(definition, images);
  const trained = definition.parameters.filter(({ kind }) => kind === 'parameter');
  const step = trainingGraph(definition.graph, {
    batch: BATCH,
    labels: 'indices',
    labelSmoothing: 0,
    rule: { kind: 'sgd', momentum: 0, nesterov: false },
    frozenNorms: new Set(),
    scalesLoss: false,
    statisticsMomentum: 0.1,
    updates: new Map(trained.map(({ name }) => [name, { rate: 1, decay: 0 }])),
  });
  feeds.set('labels', tensor([BATCH], Float64Array.from(labels)));
  feeds.set('lr', tensor([], [LR]));
  const [loss] = interpret(step, feeds);
  const metrics = await model.trainBatch({ images, labels, size: BATCH }, { lr: LR });
  expect(metrics.loss).toBeCloseTo(loss!.data[0]!, 5);
  const state = await model.stateDict();
  for (const { name } of definition.parameters) {
    expect(largest(state.get(name)!.data, feeds.get(name)!.data), name).toBeLessThan(1e-4);
  }
  model.dispose();
}

const squeezes = ['avg', 'max', 'none'] as const;
const placements: readonly SqueezeExcitePlacement[] = ['standard', 'relu', 'pre', 'post', 'identity'];
const excitations = squeezes.flatMap((squeeze) =>
  placements.map((placement): ResidualSqueezeExciteOptions => ({ squeeze, placement, reduction: 4 })),
);

describe('inverted residual', () => {
  const gated = { gate: 'hard_sigmoid', reduction: 4, layers: ['conv_reduce', 'conv_expand'] } as const;
  test.each([
    { filters: 16 },
    { filters: 16, width: 40, activation: 'hard_swish', se: gated },
    {
      filters: 24,
      width: 40,
      kernel: 5,
      stride: 2,
      activation: 'silu',
      se: { hidden: 'silu', reduction: 4 },
    },
  ] as const)('%j', (options) => check((x) => invertedResidual(x, options)));
});

describe.each([1, 2])('stride %i', (stride) => {
  test.each([undefined, ...excitations])('basic block, SE %j', (se) =>
    check((x) => basicBlock(x, { filters: 16, stride, ...(se && { se }) })),
  );

  test.each([
    undefined,
    ...excitations,
    ...squeezes.map((squeeze) => ({ squeeze, placement: '3x3', reduction: 4 }) as const),
  ])('bottleneck, SE %j', (se) =>
    check((x) => bottleneck(x, { filters: 16, width: 8, stride, ...(se && { se }) })),
  );

  test.each([undefined, { reduction: 4 }, { squeeze: 'max' }] as const)('norms ahead, SE %j', async (se) => {
    await check((x) => preactivationBlock(x, { filters: 16, stride, ...(se && { se }) }));
    await check((x) => preactivationBlock(x, { filters: 32, width: 8, stride, ...(se && { se }) }));
  });

  test('groups, a narrow first convolution, a 3x3 projection', () =>
    check((x) =>
      bottleneck(x, { filters: 32, width: 16, groups: 4, firstWidth: 8, stride, projection: 3, se: {} }),
    ));
});

test.each(['se_mobilenet', 'se_shufflenet_g3', 'se_resnext26_32x4d', 'se_bn_inception'] as const)(
  '%s predicts what the reference does',
  async (name) => {
    for (const squeeze of name === 'se_shufflenet_g3' ? squeezes : ['avg' as const]) {
      const definition = buildModel(name, { input: [32, 32, 3], classes: CLASSES, se: { squeeze } });
      const pixels = Float32Array.from({ length: BATCH * 3072 }, () => random.normal());
      const { model } = await checkPrediction(definition, pixels);
      model.dispose();
    }
  },
  60_000,
);

test('wrong options are named', () => {
  const build = (body: (x: FeatureMap<16>) => FeatureMap) => () => define(body);
  expect(build((x) => bottleneck(x, { filters: 16, projection: 2 as never }))).toThrow(
    /projection: expected 1 \| 3, received 2/,
  );
  expect(build((x) => bottleneck(x, { filters: 16, groups: 3 }))).toThrow(/groups/);
  expect(build((x) => basicBlock(x, { filters: 16, se: { placement: '3x3' } }))).toThrow(
    /placement: '3x3' belongs to bottlenecks/,
  );
  expect(build((x) => basicBlock(x, { filters: 16, se: { placement: 'behind' as never } }))).toThrow(
    /placement: expected standard/,
  );
  expect(build((x) => invertedResidual(x, { filters: 16, dropPath: 1 }))).toThrow(
    /dropPath: expected a number/,
  );
  expect(build((x) => invertedResidual(x, { filters: 16, activation: 'mish' as never }))).toThrow(
    /activation: expected relu/,
  );
  const layers = ['a', 'a'] as const;
  expect(build((x) => invertedResidual(x, { filters: 16, se: { layers } }))).toThrow(
    /layers: expected two different names, received a,a/,
  );
  expect(build((x) => preactivationBlock(x, { filters: 0 }))).toThrow(/filters: expected an integer/);
  expect(build((x) => preactivationBlock(x, { filters: 16, units: 3 } as never))).toThrow(/received 'units'/);
});
