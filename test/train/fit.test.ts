/** Training: it learns, tells what happens, stops when told, and leaves a usable model whatever goes wrong. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Batch } from '../../lib/data/dataset.ts';
import { ImageDataset } from '../../lib/data/dataset.ts';
import type { BatchSource } from '../../lib/data/source.ts';
import {
  ArgumentError,
  BusyError,
  DisposedError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StateError,
} from '../../lib/errors.ts';
import { defineModel, dropout, flatten, linear } from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import { crossEntropy } from '../../lib/train/loss.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { progress } from '../../lib/train/progress.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { batches, batchOf, bitsOf, CLASSES, definition, PIXELS, SIZE, tiny } from './helpers.ts';

const wrong = <T>(value: unknown): T => value as T;
const opened: Model[] = [];
const open = async (...args: Parameters<typeof tiny>): Promise<Model> => {
  const model = await tiny(...args);
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});
process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const devices = ['cpu', 'cuda'] as const;

describe('fit', () => {
  test('learns, and reports each epoch', async () => {
    const model = await open();
    const { epochs } = await model.fit(batches(20), { epochs: 4, validation: [batchOf(64, 7)] });
    expect(epochs.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
    expect(epochs[3]!.loss).toBeLessThan(epochs[0]!.loss);
    expect(epochs[3]!.top1).toBeGreaterThan(0.9);
    expect(epochs[3]!.validation!.top1).toBeGreaterThan(0.9);
    expect(model.step).toBe(80);
  });

  test('the same seed gives the same bits, another seed others', async () => {
    const run = async (seed: number) => {
      const model = await open({ seed });
      const { epochs } = await model.fit(batches(5), { epochs: 2 });
      return `${epochs.map(({ loss }) => loss)} ${await bitsOf(model)}`;
    };
    const first = await run(3);
    expect(await run(3)).toBe(first);
    expect(await run(4)).not.toBe(first);
  });

  test.each(devices)('a source may fill the same arrays again, on %s', async (device) => {
    const given = batches(6);
    const run = async (data: BatchSource) => {
      const model = await open({ device });
      const { epochs } = await model.fit(data, { epochs: 2 });
      return `${epochs.map(({ loss }) => loss)} ${await bitsOf(model)}`;
    };
    const reusing = function* () {
      const [first] = given;
      const images = first!.images.slice();
      const labels = (first!.labels as Int32Array).slice();
      for (const batch of given) {
        images.set(batch.images);
        labels.set(batch.labels);
        yield { images, labels, size: batch.size };
      }
    };
    expect(await run(() => reusing())).toBe(await run(given));
  });

  test('callbacks are called in order, with what they need', async () => {
    const model = await open();
    const seen: string[] = [];
    await model.fit(batches(2), {
      epochs: 2,
      callbacks: [
        {
          onTrainBegin: ({ epochs }) => void seen.push(`begin ${epochs}`),
          onEpochBegin: (epoch) => void seen.push(`epoch ${epoch}`),
          onStepEnd: ({ step, samples }) => void seen.push(`step ${step} ${samples}`),
          onEpochEnd: async ({ epoch }) => void seen.push(`end ${epoch}`),
          onTrainEnd: () => void seen.push('done'),
        },
      ],
    });
    const epoch = (i: number) => [`epoch ${i}`, 'step 0 16', 'step 1 16', `end ${i}`];
    expect(seen).toEqual(['begin 2', ...epoch(0), ...epoch(1), 'done']);
  });

  test('a callback’s error ends the run and is the one that arrives', async () => {
    const model = await open();
    const mine = new Error('mine');
    const failing = { onStepEnd: () => Promise.reject(mine) };
    await expect(model.fit(batches(3), { epochs: 1, callbacks: [failing] })).rejects.toBe(mine);
    await model.fit(batches(1), { epochs: 1 });
  });

  test('progress writes a line for each epoch where there is no terminal', async () => {
    const model = await open();
    let text = '';
    const stream = wrong<NodeJS.WriteStream>({ isTTY: false, write: (part: string) => (text += part) });
    await model.fit(batches(2), { epochs: 2, callbacks: [progress({ stream })] });
    expect(text.split('\n')).toHaveLength(3);
    expect(text).toMatch(/^epoch 1\/2 {2}loss [\d.]+ {2}top-1 [\d.]+ %/);
  });
});

describe('data', () => {
  test('datasets are shuffled by the seed', async () => {
    const { images, labels } = batchOf(40);
    const dataset = new ImageDataset({
      images,
      labels: wrong(labels),
      shape: [SIZE, SIZE, 3],
      classes: CLASSES,
    });
    const losses = async (shuffle: boolean) => {
      const model = await open();
      return (await model.fit(dataset, { epochs: 1, batchSize: 16, shuffle })).epochs[0]!.loss;
    };
    expect(await losses(true)).toBe(await losses(true));
    expect(await losses(true)).not.toBe(await losses(false));
  });

  test('iterables, functions, and the last batch of another size', async () => {
    const model = await open();
    async function* generate(): AsyncGenerator<Batch> {
      yield* batches(2);
      yield batchOf(5);
    }
    const { epochs } = await model.fit(() => generate(), { epochs: 2 });
    expect(epochs).toHaveLength(2);
    expect(model.step).toBe(6);
    await expect(model.fit(generate(), { epochs: 2 })).rejects.toThrow(StateError);
  });

  test('distributions as labels', async () => {
    const soft = (batch: Batch): Batch => {
      const labels = new Float32Array(batch.size * CLASSES);
      for (const [n, label] of batch.labels.entries()) labels[n * CLASSES + label] = 1;
      return { ...batch, labels };
    };
    const [a, b] = [await open(), await open()];
    const hard = await a.trainBatch(batchOf(8), { lr: 0.1 });
    const same = await b.trainBatch(soft(batchOf(8)), { lr: 0.1 });
    expect(same.loss).toBeCloseTo(hard.loss, 5);
    expect(same.top1).toBe(hard.top1);
  });

  test.each([
    ['no batch', 3, ArgumentError],
    ['no images', { labels: new Int32Array(1), size: 1 }, ArgumentError],
    ['too few images', { ...batchOf(2), size: 3 }, ShapeError],
    ['labels of another length', { ...batchOf(2), labels: new Int32Array(3) }, ShapeError],
    ['labels of another type', { ...batchOf(1), labels: new Uint8Array(1) }, ArgumentError],
    ['a label out of range', { ...batchOf(1), labels: Int32Array.of(CLASSES) }, ArgumentError],
    ['no size', { ...batchOf(1), size: 0 }, ArgumentError],
  ])('%s', async (_, batch, kind) => {
    const model = await open();
    const before = await bitsOf(model);
    await expect(model.fit([wrong<Batch>(batch)], { epochs: 1 })).rejects.toThrow(kind);
    expect(await bitsOf(model)).toBe(before);
  });

  test('an iterator’s error arrives, and the model stays usable', async () => {
    const model = await open();
    const mine = new Error('mine');
    function* failing(): Generator<Batch> {
      yield batchOf(4);
      throw mine;
    }
    await expect(model.fit(failing, { epochs: 1 })).rejects.toBe(mine);
    await model.fit(batches(1), { epochs: 1 });
  });
});

describe.each(devices)('stopping, on %s', (device) => {
  test('before the first step', async () => {
    const model = await open({ device });
    const reason = new Error('no');
    await expect(model.fit(batches(1), { epochs: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(model.step).toBe(0);
  });

  test('in the middle, within one step', async () => {
    const model = await open({ device });
    const controller = new AbortController();
    let returned = false;
    function* endless(): Generator<Batch> {
      try {
        for (;;) yield batchOf(4);
      } finally {
        returned = true;
      }
    }
    const atThree = {
      onStepEnd: ({ step }: { step: number }) => step === 2 && controller.abort(new Error('enough')),
    };
    const callbacks = [wrong<object>(atThree)];
    await expect(model.fit(endless, { epochs: 1, signal: controller.signal, callbacks })).rejects.toThrow(
      'enough',
    );
    expect(model.step).toBe(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(returned).toBe(true);
    await model.fit(batches(1), { epochs: 1 });
  });

  test('while the data never comes', async () => {
    const model = await open({ device });
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    await expect(model.fit(never, { epochs: 1, signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
    await model.fit(batches(1), { epochs: 1 });
  });

  test('by dispose', async () => {
    const model = await open({ device });
    const running = model.fit(() => batches(50), { epochs: 100 });
    setTimeout(() => model.dispose(), 20);
    await expect(running).rejects.toThrow(DisposedError);
    await expect(model.predict(batchOf(1).images)).rejects.toThrow(DisposedError);
    model.dispose();
  });
});

describe.each(devices)('order of calls, on %s', (device) => {
  test('predictions in more batch sizes at once than programs are kept', async () => {
    const model = await open({ device });
    const images = batchOf(20).images;
    const expected = await model.predict(images, { batchSize: 20 });
    const sizes = Array.from({ length: 9 }, (_, i) => i + 1);
    const all = await Promise.all(sizes.map((batchSize) => model.predict(images, { batchSize })));
    for (const probabilities of all) {
      const differences = probabilities.map((value, i) => Math.abs(value - expected[i]!));
      expect(Math.max(...differences)).toBeLessThan(1e-5);
    }
  });

  test('training needs an optimizer, and happens once at a time', async () => {
    const bare = new Model(definition);
    opened.push(bare);
    await expect(bare.fit(batches(1), { epochs: 1 })).rejects.toThrow(StateError);
    const model = await open({ device });
    const first = model.fit(batches(5), { epochs: 2 });
    await expect(model.fit(batches(1), { epochs: 1 })).rejects.toThrow(BusyError);
    const probabilities = await model.predict(batchOf(3).images);
    expect(probabilities).toHaveLength(3 * CLASSES);
    await first;
  });

  test('compile again keeps the weights', async () => {
    const model = await open({ device });
    await model.fit(batches(3), { epochs: 1 });
    const before = await bitsOf(model);
    await model.compile({
      device,
      threads: 2,
      optimizer: sgd({ momentum: 0 }),
      loss: crossEntropy({ labelSmoothing: 0.1 }),
    });
    expect(await bitsOf(model)).toBe(before);
    await model.fit(batches(1), { epochs: 1 });
  });

  test('a memory limit that is too small is an error, a larger one works', async () => {
    const model = await open({ device });
    await model.compile({ device, memoryLimit: 1000, optimizer: sgd() });
    await expect(model.fit(batches(1), { epochs: 1 })).rejects.toThrow(OutOfMemoryError);
    await model.compile({ device, memoryLimit: 1 << 30, optimizer: sgd() });
    await model.fit(batches(1), { epochs: 1 });
  });
});

describe.each(devices)('values that are not finite, on %s', (device) => {
  const poisoned = (batch: Batch): Batch => ({
    ...batch,
    images: batch.images.map((v, i) => (i === 5 ? Number.NaN : v)),
  });

  test('in the input', async () => {
    const model = await open({ device });
    await model.fit(batches(2), { epochs: 1 });
    const before = await bitsOf(model);
    const failure = await model.fit([poisoned(batchOf(4))], { epochs: 1 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NonFiniteError);
    expect(failure).toMatchObject({
      step: 2,
      layer: 'images',
      tensor: 'input',
      code: 'ERR_SENET_NON_FINITE',
    });
    expect(await bitsOf(model)).toBe(before);
    await model.fit(batches(1), { epochs: 1 });
  });

  test('in a weight: the layer it shows in is named', async () => {
    const model = await open({ device });
    const state = new Map(await model.stateDict());
    const name = 'block.conv2.weight';
    const { shape, data } = state.get(name)!;
    state.set(name, { shape, data: data.map((v, i) => (i === 0 ? Number.POSITIVE_INFINITY : v)) });
    await model.loadStateDict(state);
    const before = await bitsOf(model);
    await expect(model.trainBatch(batchOf(4), { lr: 0.1 })).rejects.toMatchObject({
      step: 0,
      layer: 'block.conv2',
    });
    expect(await bitsOf(model)).toBe(before);
  });

  test('by a learning rate that is far too large', async () => {
    const model = await open({ device });
    const train = async () => {
      for (let i = 0; i < 10; i += 1) await model.trainBatch(batchOf(4, i), { lr: 1e30 });
    };
    await expect(train()).rejects.toThrow(NonFiniteError);
    for (const { data } of (await model.stateDict()).values()) expect(data.every(Number.isFinite)).toBe(true);
  });
});

describe('what training does to a model', () => {
  test('dropout changes training, not inference', async () => {
    const make = (rate: number) =>
      new Model(
        defineModel({ input: [SIZE, SIZE, 3] }, (x) =>
          linear(dropout(flatten(x), { rate }), { units: CLASSES }),
        ),
        { seed: 5 },
      );
    const losses = async (rate: number) => {
      const model = make(rate);
      opened.push(model);
      await model.compile({ optimizer: sgd() });
      const evaluated = await model.evaluate([batchOf(8)]);
      return [(await model.trainBatch(batchOf(8), { lr: 0 })).loss, evaluated.loss];
    };
    const [none, half, again] = [await losses(0), await losses(0.5), await losses(0.5)];
    expect(half).toEqual(again);
    expect(half[0]).not.toBe(none[0]);
    expect(half[1]).toBe(none[1]);
  });

  test('weight decay spares norms and biases by option', async () => {
    const step = async (decayNormsAndBiases: boolean) => {
      const model = new Model(definition, { seed: 1 });
      opened.push(model);
      await model.compile({ optimizer: sgd({ momentum: 0, weightDecay: 0.5, decayNormsAndBiases }) });
      await model.trainBatch(batchOf(8), { lr: 0.1 });
      return model.stateDict();
    };
    const [all, spared] = [await step(true), await step(false)];
    const scale = (state: typeof all) => state.get('bn1.weight')!.data[0]!;
    // Decay moves a scale of 1 by lr * decay = 0.05 beyond what its gradient does.
    expect(scale(spared) - scale(all)).toBeCloseTo(0.05, 5);
    expect(all.get('conv1.weight')!.data).toEqual(spared.get('conv1.weight')!.data);
  });

  test('blocked and channels-last storage agree', async () => {
    const run = async (layout: 'auto' | 'channels_last') => {
      const model = new Model(definition, { seed: 2 });
      opened.push(model);
      await model.compile({ layout, optimizer: sgd() });
      return (await model.trainBatch(batchOf(8), { lr: 0.1 })).loss;
    };
    expect(await run('auto')).toBeCloseTo(await run('channels_last'), 5);
  });
});

test('predictions are probabilities, whatever the batch size', async () => {
  const model = await open();
  await model.fit(batches(3), { epochs: 1 });
  const { images } = batchOf(7);
  const whole = await model.predict(images, { batchSize: 7 });
  const parts = await model.predict(images, { batchSize: 3 });
  for (let i = 0; i < 7; i += 1) {
    const row = whole.subarray(i * CLASSES, (i + 1) * CLASSES);
    expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  }
  parts.forEach((p, i) => {
    expect(p).toBeCloseTo(whole[i]!, 5);
  });
  await expect(model.predict(new Float32Array(PIXELS + 1))).rejects.toThrow(ShapeError);
  await expect(model.predict(wrong([1]))).rejects.toThrow(ArgumentError);
});
