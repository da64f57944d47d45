/** Training in float16 on the simulated GPU: the scale of the loss follows the gradients. */
import { expect, test } from 'vitest';
import { createModel, type Model, schedules, sgd } from '../../lib/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { Random } from '../helpers/random.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;

const SIZE = 8;
const BATCH = 4;
const random = new Random('float16');
const batch = {
  images: Float32Array.from({ length: BATCH * SIZE * SIZE * 3 }, () => random.normal()),
  labels: Int32Array.from([1, 4, 7, 2]),
  size: BATCH,
};

async function open(precision: 'float32' | 'float16'): Promise<Model> {
  const model = createModel('se_resnet20', { input: [SIZE, SIZE, 3], classes: 10, seed: 3 });
  const schedule = schedules.constant({ lr: 0.05 });
  await model.compile({ device: 'cuda', precision, optimizer: sgd({ momentum: 0.9 }), schedule });
  return model;
}

/** Multiplies the last layer's weights, and with them all gradients behind it. */
async function scaleHead(model: Model, factor: number): Promise<void> {
  const state = new Map(await model.stateDict());
  const { shape, data } = state.get('fc.weight')!;
  state.set('fc.weight', { shape, data: data.map((value) => value * factor) });
  await model.loadStateDict(state);
}

const bitsOf = async (model: Model) =>
  Buffer.concat([...(await model.stateDict()).values()].map(({ data }) => Buffer.from(data.buffer)));

test('four steps are those of float32, but for rounding', async () => {
  const [exact, half] = [await open('float32'), await open('float16')];
  for (let step = 0; step < 4; step += 1) {
    const [{ loss: expected }, { loss }] = [
      await exact.trainBatch(batch, { lr: 0.05 }),
      await half.trainBatch(batch, { lr: 0.05 }),
    ];
    // 11 bits of a number, which four steps let grow.
    expect(Math.abs(loss - expected)).toBeLessThan(0.05);
  }
  expect(await half.lossScale()).toBe(65536);
  expect(await exact.lossScale()).toBe(1);
  exact.dispose();
  half.dispose();
});

test('steps that overflow are skipped and halve the scale, until one goes through', async () => {
  const model = await open('float16');
  await model.trainBatch(batch, { lr: 0.05 });
  // Negative, so that all answers are wrong.
  await scaleHead(model, -1e4);
  let scale = await model.lossScale();
  let skipped = 0;
  for (;;) {
    const before = await bitsOf(model);
    const { loss } = await model.trainBatch(batch, { lr: 1e-6 });
    expect(loss).toBeGreaterThan(0);
    const next = await model.lossScale();
    if (next === scale) break;
    expect(next).toBe(scale / 2);
    expect(before.equals(await bitsOf(model))).toBe(true);
    scale = next;
    skipped += 1;
  }
  expect(skipped).toBeGreaterThan(1);
  model.dispose();
});

test('an overflow at the smallest scale names layer and step, and the model stays usable', async () => {
  const model = await open('float16');
  const good = await model.stateDict();
  await scaleHead(model, -1e9);
  const steps = async () => {
    for (let step = 0; step < 40; step += 1) await model.trainBatch(batch, { lr: 0.05 });
  };
  await expect(steps()).rejects.toMatchObject({
    code: 'ERR_SENET_NON_FINITE',
    tensor: 'gradient',
    step: 16,
    layer: expect.stringMatching(/./),
  });
  expect(await model.lossScale()).toBe(1);
  await model.loadStateDict(good);
  expect((await model.trainBatch(batch, { lr: 0.05 })).loss).toBeLessThan(10);
  model.dispose();
});
