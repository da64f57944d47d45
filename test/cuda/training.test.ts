/** Whole models on the simulated GPU: the same numbers as on the CPU, and faults that change nothing. */
import { describe, expect, test } from 'vitest';
import {
  createModel,
  crossEntropy,
  type Model,
  type ModelName,
  type Precision,
  schedules,
  sgd,
} from '../../lib/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { Random } from '../helpers/random.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;

const SIZE = 8;
const BATCH = 4;
const images = (seed: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => random.normal());
};
const labels = Int32Array.from([1, 4, 7, 2]);

async function open(
  device: 'cpu' | 'cuda',
  options: { precision?: Precision; name?: ModelName; memoryLimit?: number; autotune?: boolean } = {},
): Promise<Model> {
  const { name = 'se_resnet20', ...rest } = options;
  const model = createModel(name, { input: [SIZE, SIZE, 3], classes: 10, seed: 3, dropout: 0.1 });
  await model.compile({
    device,
    ...rest,
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 1e-3 }),
    loss: crossEntropy({ labelSmoothing: 0.1 }),
    schedule: schedules.constant({ lr: 0.05 }),
  });
  return model;
}

/** Losses of some steps, then probabilities and weights. */
async function train(model: Model, steps: number) {
  const losses: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    // Not seeds 0 to 3: with those the sign of an input of a ReLU depends on the last bit of a sum, and the CPU itself
    // ends at another loss when its images are changed by 1e-7.
    const batch = { images: images(10 + step), labels, size: BATCH };
    losses.push((await model.trainBatch(batch, { lr: 0.05 })).loss);
  }
  const probabilities = await model.predict(images(99), { batchSize: BATCH });
  return { losses, probabilities, state: await model.stateDict() };
}

const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('se_resnet20, four steps', () => {
  test.each<[Precision, number]>([
    // Float32 sums in another order; some hundred of them, up to 1,024 terms each, pass through four steps.
    ['float32', 2e-4],
    // Factors keep 11 bits, which four steps let grow.
    ['tf32', 0.02],
    // Maps keep 8 bits of a number; 20 layers and four steps let that grow.
    ['bfloat16', 0.2],
  ])('%s agrees with the CPU', async (precision, tolerance) => {
    const [cpu, gpu] = [await open('cpu'), await open('cuda', { precision })];
    const [expected, actual] = [await train(cpu, 4), await train(gpu, 4)];
    cpu.dispose();
    gpu.dispose();
    expected.losses.forEach((loss, i) => {
      expect(Math.abs(actual.losses[i]! - loss)).toBeLessThan(tolerance * loss);
    });
    expect(largest(actual.probabilities, expected.probabilities)).toBeLessThan(tolerance);
    if (precision !== 'float32') return;
    for (const [name, { data }] of expected.state) {
      const scale = Math.max(...data.map(Math.abs));
      expect(largest(actual.state.get(name)!.data, data)).toBeLessThan(tolerance * Math.max(scale, 1));
    }
  });

  test('convolutions take the statistics of norms along', async () => {
    const [own, taken] = [
      await open('cuda', { precision: 'bfloat16' }),
      await open('cuda', { precision: 'bfloat16', autotune: true }),
    ];
    const [expected, actual] = [await train(own, 4), await train(taken, 4)];
    const bytes = async (model: Model) => {
      const steps = await model.profile({ plan: true, training: true, batchSize: BATCH });
      return steps.filter(({ op }) => op === 'norm_tail').reduce((sum, step) => sum + step.bytes, 0);
    };
    const saved = 1 - (await bytes(taken)) / (await bytes(own));
    own.dispose();
    taken.dispose();
    // One pass of three, of four with a shortcut, less the vectors that go along; three channels are too few for it.
    expect(saved).toBeGreaterThan(0.15);
    expected.losses.forEach((loss, i) => {
      expect(Math.abs(actual.losses[i]! - loss)).toBeLessThan(0.1 * loss);
    });
  });

  test('the same bits each time', async () => {
    const [first, second] = [await open('cuda'), await open('cuda')];
    const [a, b] = [await train(first, 3), await train(second, 3)];
    first.dispose();
    second.dispose();
    expect(a.losses).toEqual(b.losses);
    for (const [name, { data }] of a.state) expect(b.state.get(name)!.data).toEqual(data);
  });
});

test('a ResNet with bottlenecks predicts as on the CPU, gates ahead of its convolutions', async () => {
  const [cpu, gpu] = [
    await open('cpu', { name: 'se_resnet50' }),
    await open('cuda', { name: 'se_resnet50' }),
  ];
  const [expected, actual] = [await cpu.predict(images(5)), await gpu.predict(images(5))];
  const steps = await gpu.profile({ batchSize: 1, runs: 1 });
  cpu.dispose();
  gpu.dispose();
  expect(largest(actual, expected)).toBeLessThan(1e-5);
  expect(steps.filter(({ op }) => op === 'conv2d_fused').length).toBeGreaterThan(40);
}, 120_000);

describe('faults', () => {
  test('a NaN in the images is found, and no weight changes', async () => {
    const model = await open('cuda');
    await train(model, 2);
    const before = await model.stateDict();
    const bad = images(1);
    bad[17] = Number.NaN;
    await expect(model.trainBatch({ images: bad, labels, size: BATCH }, { lr: 0.05 })).rejects.toMatchObject({
      code: 'ERR_SENET_NON_FINITE',
      tensor: 'input',
      step: 2,
    });
    const after = await model.stateDict();
    for (const [name, { data }] of before) expect(after.get(name)!.data).toEqual(data);
    expect((await train(model, 1)).losses[0]).toBeLessThan(10);
    model.dispose();
  });

  test('a loss that overflows names the layer where it began', async () => {
    const model = await open('cuda');
    const state = new Map(await model.stateDict());
    const { shape, data } = state.get('layer2.0.bn1.weight')!;
    state.set('layer2.0.bn1.weight', { shape, data: data.map(() => 3e38) });
    await model.loadStateDict(state);
    await expect(
      model.trainBatch({ images: images(0), labels, size: BATCH }, { lr: 0.05 }),
    ).rejects.toMatchObject({ code: 'ERR_SENET_NON_FINITE', layer: expect.stringContaining('layer2.0') });
    model.dispose();
  });

  test('too little memory names the bytes, and another model still works', async () => {
    const small = await open('cuda', { memoryLimit: 100_000 });
    const batch = { images: images(0), labels, size: BATCH };
    await expect(small.trainBatch(batch, { lr: 0.05 })).rejects.toMatchObject({
      code: 'ERR_SENET_OUT_OF_MEMORY',
      message: expect.stringMatching(/needs \d+ bytes, the memory limit is 100000; most in use at \w+/),
    });
    const other = await open('cuda');
    expect((await train(other, 1)).losses[0]).toBeGreaterThan(0);
    small.dispose();
    other.dispose();
  });

  test('disposal with work in flight rejects it', async () => {
    const model = await open('cuda');
    const step = model.trainBatch({ images: images(0), labels, size: BATCH }, { lr: 0.05 });
    model.dispose();
    await step.catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_SENET_DISPOSED' }));
    await expect(model.predict(images(0))).rejects.toMatchObject({ code: 'ERR_SENET_DISPOSED' });
  });

  test('two models on one device at once', async () => {
    const [a, b] = [await open('cuda'), await open('cuda')];
    const [first, second] = await Promise.all([train(a, 3), train(b, 3)]);
    a.dispose();
    b.dispose();
    expect(first.losses).toEqual(second.losses);
  });
});
