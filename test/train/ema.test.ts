/** Moving averages of weights, against PyTorch (fixtures/make_updates.py). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type CompileOptions, Model, readStateDict, type StateDict, sgd } from '../../lib/index.ts';
import { expectClose } from '../helpers/close.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import {
  batchOfStep,
  imagesOf,
  initialState,
  type Numbers,
  readFixture,
  tinyNet,
} from '../helpers/golden_net.ts';
import { tensor } from '../reference/index.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const { averaged: golden } = readFixture('updates.json') as {
  averaged: { losses: number[]; state: Numbers; average: Numbers; probabilities: number[] };
};

const opened: Model[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

async function open(options: CompileOptions): Promise<Model> {
  const model = new Model(tinyNet);
  opened.push(model);
  await model.compile({
    optimizer: sgd({ momentum: 0.9, weightDecay: 1e-3, decayNormsAndBiases: false }),
    ...options,
  });
  await model.loadStateDict(initialState());
  return model;
}

const ema = { weights: 'ema' } as const;

function expectState(state: StateDict, expected: Numbers): void {
  for (const [name, values] of Object.entries(expected)) {
    const actual = state.get(name)!.data.subarray(0, values.length);
    expectClose(actual, tensor([values.length], values), { reduction: 4096, dtype: 'f32', label: name });
  }
}

describe.each(['cpu', 'cuda'] as const)('%s', (device) => {
  test('three steps', async () => {
    const model = await open({ device, ema: { decay: 0.9 } });
    // Programs that are made before the steps see the averages that follow.
    await model.predict(imagesOf('test'), ema);
    for (const step of golden.losses.keys()) await model.trainBatch(batchOfStep(step), { lr: 0.05 });
    expectState(await model.stateDict(), golden.state);
    expectState(await model.stateDict(ema), golden.average);
    const probabilities = await model.predict(imagesOf('test'), ema);
    expectClose(probabilities, tensor([16], golden.probabilities), { reduction: 4096, dtype: 'f32' });
    expect(await model.predict(imagesOf('test'))).not.toEqual(probabilities);
    const evaluation = await model.evaluate([batchOfStep(0)], ema);
    const same = await open({ device });
    await same.loadStateDict(await model.stateDict(ema));
    expect((await same.evaluate([batchOfStep(0)])).loss).toBeCloseTo(evaluation.loss, 5);
    expect((await model.evaluate([batchOfStep(0)])).loss).not.toBeCloseTo(evaluation.loss, 3);
  });

  test('training is the same with and without', async () => {
    const [plain, averaged] = [await open({ device }), await open({ device, ema: {} })];
    for (const model of [plain, averaged]) await model.trainBatch(batchOfStep(0), { lr: 0.05 });
    expect(await averaged.stateDict()).toEqual(await plain.stateDict());
  });

  test('updates by several batches move them once', async () => {
    const model = await open({ device, ema: { decay: 0.75 }, freezeNorms: true });
    const before = (await model.stateDict()).get('fc.weight')!.data;
    for (const accumulate of [true, true, false])
      await model.trainBatch(batchOfStep(0), { lr: 0.05, accumulate });
    const after = (await model.stateDict()).get('fc.weight')!.data;
    const expected = before.map((value, i) => value + 0.25 * (after[i]! - value));
    const actual = (await model.stateDict(ema)).get('fc.weight')!.data;
    expectClose(actual, tensor([expected.length], expected), { reduction: 1, dtype: 'f32' });
  });
});

test('they start at the weights, and again where weights are loaded', async () => {
  const model = await open({ device: 'cpu', ema: { decay: 0.5 } });
  expect(await model.stateDict(ema)).toEqual(await model.stateDict());
  await model.trainBatch(batchOfStep(0), { lr: 0.05 });
  expect(await model.stateDict(ema)).not.toEqual(await model.stateDict());
  await model.loadStateDict(initialState());
  expect(await model.stateDict(ema)).toEqual(await model.stateDict());
  await model.trainBatch(batchOfStep(0), { lr: 0.05 });
  await model.compile({ device: 'cpu', ema: {} });
  expect(await model.stateDict(ema)).toEqual(await model.stateDict());
});

test('frozen parameters have none of their own', async () => {
  const model = await open({ device: 'cpu', freeze: ['conv1'], ema: { decay: 0.5 } });
  await model.trainBatch(batchOfStep(0), { lr: 0.05 });
  const [trained, averaged] = [await model.stateDict(), await model.stateDict(ema)];
  expect(averaged.get('conv1.weight')).toEqual(trained.get('conv1.weight'));
  expect(averaged.get('fc.weight')).not.toEqual(trained.get('fc.weight'));
});

test('they are saved like weights', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'senet-ema-'));
  try {
    const model = await open({ device: 'cpu', ema: { decay: 0.5 } });
    await model.trainBatch(batchOfStep(0), { lr: 0.05 });
    const path = join(folder, 'ema.safetensors');
    await model.save(path, ema);
    const stored = await readStateDict(path);
    for (const [name, { data }] of await model.stateDict(ema)) expect(stored.get(name)!.data).toEqual(data);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a checkpoint has them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'senet-ema-'));
  try {
    const batches = [0, 1, 2].map(batchOfStep);
    const options = { device: 'cpu', ema: { decay: 0.5 } } as const;
    const model = await open(options);
    await model.fit(batches, { epochs: 2, checkpoints: { directory: folder } });
    const other = await open(options);
    await other.fit(batches, { epochs: 2, checkpoints: { directory: folder }, resume: 'auto' });
    expect(await other.stateDict(ema)).toEqual(await model.stateDict(ema));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('wrong use', () => {
  test.each([
    [{ ema: 0.9 }, 'compile: ema: expected an options object, received 0.9'],
    [
      { ema: { decay: 1 } },
      'compile: ema.decay: expected a finite number of at least 0 and below 1, received 1',
    ],
    [{ ema: { rate: 1 } }, "compile: ema: expected options decay, received 'rate'"],
  ])('compile(%o)', async (options, message) => {
    await expect(open(options as CompileOptions)).rejects.toThrow(message);
  });

  test('without averages', async () => {
    const model = await open({ device: 'cpu' });
    const none = "weights: expected a model compiled with ema, received 'ema' without";
    await expect(model.stateDict(ema)).rejects.toThrow(`stateDict: ${none}`);
    await expect(model.save('never.safetensors', ema)).rejects.toThrow(none);
    await expect(model.predict(imagesOf('test'), ema)).rejects.toThrow(`predict: ${none}`);
    await expect(model.evaluate([batchOfStep(0)], ema)).rejects.toThrow(`evaluate: ${none}`);
    const wrong = { weights: 'best' } as unknown as typeof ema;
    await expect(model.stateDict(wrong)).rejects.toThrow(
      "stateDict: weights: expected trained | ema, received 'best'",
    );
    await expect(model.evaluate([batchOfStep(0)], wrong)).rejects.toThrow('evaluate: weights: expected');
    await expect(model.predict(imagesOf('test'), wrong)).rejects.toThrow('predict: weights: expected');
  });
});
