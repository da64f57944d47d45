/** What the convolutions of inference programs take along on a simulated GPU, where timing says that it pays. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeviceName } from '../../lib/device.ts';
import {
  add,
  basicBlock,
  batchNorm,
  bottleneck,
  concat,
  conv2d,
  defineModel,
  type FeatureMap,
  globalAvgPool,
  linear,
  Model,
  type ModelDefinition,
  maxPool,
  normTail,
  type Precision,
  relu,
  type StateDict,
  type StepProfile,
  sgd,
  tanh,
} from '../../lib/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { Random } from '../helpers/random.ts';
import { simulatedObjects } from '../helpers/sim_objects.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
// The library fuses sums on the first only.
process.env['SENET_SIM_DEVICES'] = '90,80';
afterAll(() => {
  expect(simulatedObjects()).toBe(0);
});

const BATCH = 3;
const random = new Random('fusion');
const images = Float32Array.from({ length: BATCH * 9 * 8 * 3 }, () => random.normal());

/** The weights of a model with norms that do something: parameters and statistics between a half and one and a half. */
async function weightsOf(definition: ModelDefinition): Promise<StateDict> {
  const model = new Model(definition, { seed: 5 });
  const state = new Map(await model.stateDict());
  model.dispose();
  for (const [name, { shape, data }] of state) {
    if (shape.length === 1) state.set(name, { shape, data: data.map(() => 0.5 + random.uniform()) });
  }
  return state;
}

interface Outcome {
  readonly probabilities: Float32Array;
  readonly steps: readonly StepProfile[];
}

interface How {
  readonly device?: DeviceName;
  readonly precision?: Precision;
  readonly autotune?: boolean;
}

async function predict(definition: ModelDefinition, weights: StateDict, how: How): Promise<Outcome> {
  const model = new Model(definition);
  await model.compile({ device: 'cuda:0', precision: 'bfloat16', autotune: true, ...how });
  await model.loadStateDict(weights);
  const probabilities = await model.predict(images, { batchSize: BATCH });
  const steps = await model.profile({ plan: true, batchSize: BATCH });
  model.dispose();
  return { probabilities, steps };
}

const of = (steps: readonly StepProfile[], op: string): readonly StepProfile[] =>
  steps.filter((step) => step.op === op);
const bytes = (steps: readonly StepProfile[]): number => steps.reduce((sum, step) => sum + step.bytes, 0);

const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

/** Sums in another order let single factors, or elements of maps, round the other way: in 11 or 8 bits. */
const tolerances: [Precision, number][] = [
  ['tf32', 1e-3],
  ['bfloat16', 1e-2],
  ['float16', 1e-3],
];
/** Where the library does not fuse, or is not to be timed. */
const elsewhere: How[] = [{ precision: 'float32' }, { autotune: false }];

describe('the squeeze', () => {
  const definition = defineModel({ input: [9, 8, 3] }, (input) => {
    const stem = normTail(conv2d(input, { filters: 16, kernel: 3, bias: false }));
    const first = bottleneck(stem, { filters: 32, stride: 2, se: { reduction: 4 } });
    const second = bottleneck(first, { filters: 32, se: { reduction: 4 } });
    return linear(globalAvgPool(second), { units: 4 });
  });
  let weights: StateDict;
  beforeAll(async () => {
    weights = await weightsOf(definition);
  });

  const implementations = ({ steps }: Outcome): string[] =>
    of(steps, 'global_avg_pool').map(({ implementation }) => implementation);

  test.each(tolerances)('is taken along, %s', async (precision, tolerance) => {
    const [own, taken] = [
      await predict(definition, weights, { precision, autotune: false }),
      await predict(definition, weights, { precision }),
    ];
    // Ahead of two gates, which need no sums but their inputs', and of the classifier, behind a gate.
    expect(implementations(own)).toEqual(Array(3).fill('global_avg_pool'));
    expect(implementations(taken)).toEqual(Array(3).fill('mean_of_sums'));
    expect(largest(taken.probabilities, own.probabilities)).toBeLessThan(tolerance);
    // Of each map one read less; of the sums, of 8, 8 and 32 channels, a write and a read.
    const maps = BATCH * (5 * 4 * (8 + 8 + 32)) * (precision === 'tf32' ? 4 : 2);
    expect(bytes(own.steps) - bytes(taken.steps)).toBe(maps - 2 * 4 * BATCH * (8 + 8 + 32));
  });

  test.each<How>([...elsewhere, { device: 'cuda:1' }])('reads the map, %j', async (how) => {
    expect(implementations(await predict(definition, weights, how))).toEqual(
      Array(3).fill('global_avg_pool'),
    );
  });

  test('of a map that is averaged twice is taken once', async () => {
    const twice = defineModel({ input: [9, 8, 3] }, (input) => {
      const map = conv2d(conv2d(input, { filters: 8, kernel: 3 }), { filters: 16, kernel: 3 });
      return linear(add(globalAvgPool(map), tanh(globalAvgPool(map))), { units: 4 });
    });
    const state = await weightsOf(twice);
    const [own, taken] = [await predict(twice, state, { autotune: false }), await predict(twice, state, {})];
    expect(implementations(taken)).toEqual(Array(2).fill('mean_of_sums'));
    expect(largest(taken.probabilities, own.probabilities)).toBeLessThan(1e-2);
  });

  test.each(tolerances)(
    'of a norm whose gate cannot be ahead is taken along, %s',
    async (precision, tolerance) => {
      const blocks = defineModel({ input: [9, 8, 3] }, (input) => {
        const stem = normTail(conv2d(input, { filters: 8, kernel: 3, bias: false }));
        return linear(globalAvgPool(basicBlock(stem, { filters: 16, stride: 2, se: { reduction: 4 } })), {
          units: 4,
        });
      });
      const state = await weightsOf(blocks);
      const [own, taken] = [
        await predict(blocks, state, { precision, autotune: false }),
        await predict(blocks, state, { precision }),
      ];
      const map = BATCH * 5 * 4 * 16 * (precision === 'tf32' ? 4 : 2);
      // The map is read once instead of twice, and the sums of deviations and squares are read.
      const saved = bytes(of(own.steps, 'norm_tail')) - bytes(of(taken.steps, 'norm_tail'));
      expect(saved).toBe(map - 2 * 4 * BATCH * 16);
      expect(largest(taken.probabilities, own.probabilities)).toBeLessThan(tolerance);
    },
  );
});

describe('batch norm and ReLU before a convolution', () => {
  // Two norms cannot be folded: the first convolution's map is also read by concat, and concat is no convolution. One
  // is a node with its ReLU, the other is two nodes.
  const definition = defineModel({ input: [9, 8, 3] }, (input) => {
    const stem = conv2d(input, { filters: 16, kernel: 3, bias: false });
    const middle = normTail(conv2d(normTail(stem), { filters: 8, kernel: 1, bias: false }));
    const grown = concat([stem, conv2d(middle, { filters: 8, kernel: 3, bias: false })]);
    const last = conv2d(relu(batchNorm(grown)), { filters: 16, kernel: 3, stride: 2, bias: false });
    return linear(globalAvgPool(relu(batchNorm(last))), { units: 4 });
  });
  let weights: StateDict;
  beforeAll(async () => {
    weights = await weightsOf(definition);
  });

  const norms = (steps: readonly StepProfile[]): StepProfile[] =>
    ['norm_tail', 'batch_norm', 'activation'].flatMap((op) => of(steps, op));
  /** What the convolutions read beside their maps and write, scale and shift. */
  const vectors = 2 * 4 * (16 + 24);

  test.each(tolerances)('are applied while it reads, %s', async (precision, tolerance) => {
    const [own, taken] = [
      await predict(definition, weights, { precision, autotune: false }),
      await predict(definition, weights, { precision }),
    ];
    expect(norms(own.steps)).toHaveLength(3);
    expect(norms(taken.steps)).toEqual([]);
    const convolutions = ({ steps }: Outcome): number => bytes(of(steps, 'conv2d_fused'));
    // The last one gives out sums as well, which the squeeze is made of.
    expect(convolutions(taken) - convolutions(own)).toBe(vectors + 4 * BATCH * 16);
    expect(largest(taken.probabilities, own.probabilities)).toBeLessThan(tolerance);
  });

  test('follow the weights', async () => {
    const other = await weightsOf(definition);
    const model = new Model(definition);
    await model.compile({ device: 'cuda:0', precision: 'bfloat16', autotune: true });
    for (const state of [weights, other]) {
      await model.loadStateDict(state);
      const probabilities = await model.predict(images, { batchSize: BATCH });
      const expected = await predict(definition, state, { autotune: false });
      expect(largest(probabilities, expected.probabilities)).toBeLessThan(1e-2);
    }
    model.dispose();
  });

  test('are applied where sums are not fused', async () => {
    const { steps } = await predict(definition, weights, { device: 'cuda:1' });
    expect(norms(steps)).toEqual([]);
  });

  test.each(elsewhere)('have a pass of their own, %j', async (how) => {
    expect(norms((await predict(definition, weights, how)).steps)).toHaveLength(3);
  });

  test.each<[string, (map: FeatureMap<8>) => FeatureMap<8>]>([
    ['a map that is read twice', (map) => add(map, conv2d(map, { filters: 8, kernel: 3 }))],
    ['a map that no convolution reads', (map) => maxPool(map, { kernel: 2 })],
  ])('have a pass of their own for %s', async (_, part) => {
    const ahead = defineModel({ input: [9, 8, 3] }, (input) => {
      const map = maxPool(conv2d(input, { filters: 8, kernel: 3 }), { kernel: 2 });
      return linear(globalAvgPool(part(normTail(map))), { units: 4 });
    });
    expect(norms((await predict(ahead, await weightsOf(ahead), {})).steps)).toHaveLength(1);
  });

  test('have a pass of their own in training, frozen or not', async () => {
    const frozen = defineModel({ input: [9, 8, 3] }, (input) => {
      const stem = maxPool(conv2d(input, { filters: 8, kernel: 3 }), { kernel: 2 });
      const map = conv2d(normTail(stem, { frozen: true }), { filters: 8, kernel: 3, bias: false });
      return linear(globalAvgPool(normTail(maxPool(map, { kernel: 2 }))), { units: 4 });
    });
    const model = new Model(frozen);
    await model.compile({ device: 'cuda:0', precision: 'bfloat16', autotune: true, optimizer: sgd() });
    expect(norms(await model.profile({ plan: true, training: true, batchSize: BATCH }))).toHaveLength(2);
    model.dispose();
  });
});
