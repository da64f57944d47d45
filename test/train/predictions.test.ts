/** What callbacks see of validation: each batch with its probabilities, and the report that is made of them. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Batch } from '../../lib/data/dataset.ts';
import { ArgumentError, ArgumentRangeError } from '../../lib/errors.ts';
import type { Model } from '../../lib/model.ts';
import type { Callback, ValidationBatch } from '../../lib/train/callbacks.ts';
import { predictionReport } from '../../lib/train/prediction_report.ts';
import { batches, batchOf, bitsOf, CLASSES, PIXELS, tiny } from './helpers.ts';

const opened: Model[] = [];
const open = async (): Promise<Model> => {
  const model = await tiny();
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

describe('onValidationBatch', () => {
  /** The same arrays for each batch, as a source may give them. */
  const reusing = (given: readonly Batch[]) =>
    function* () {
      const images = new Float32Array(given[0]!.images.length);
      const labels = new Int32Array(given[0]!.labels.length);
      for (const batch of given) {
        images.set(batch.images);
        labels.set(batch.labels);
        yield { images, labels, size: batch.size };
      }
    };

  test('gets each batch and its probabilities, and changes no bit of the run', async () => {
    const validation = [batchOf(16, 7), batchOf(16, 8), batchOf(16, 9)];
    const run = async (callbacks: Callback[]) => {
      const model = await open();
      const { epochs } = await model.fit(batches(3), {
        ...{ epochs: 2, validation: reusing(validation), callbacks },
      });
      return { model, numbers: epochs.map(({ loss, validation: found }) => [loss, found]) };
    };
    const seen: ValidationBatch[] = [];
    const watched = await run([{ onValidationBatch: async (batch) => void seen.push(batch) }]);
    const plain = await run([{}]);
    expect(watched.numbers).toEqual(plain.numbers);
    expect(await bitsOf(watched.model)).toBe(await bitsOf(plain.model));
    expect(seen.map(({ images, labels, size }) => ({ images, labels, size }))).toEqual([
      ...validation,
      ...validation,
    ]);
    for (const { images, probabilities } of seen.slice(3))
      expect(await watched.model.predict(images)).toEqual(probabilities);
  });

  test('comes with soft labels as they are', async () => {
    const { images, labels, size } = batchOf(4);
    const soft = new Float32Array(size * CLASSES);
    for (let n = 0; n < size; n += 1) soft.set([0.7, 0.3], n * CLASSES + (labels[n]! > 2 ? 0 : labels[n]!));
    const seen: ValidationBatch[] = [];
    const report = predictionReport();
    await (await open()).fit(batches(1), {
      ...{ epochs: 1, validation: [{ images, labels: soft, size }] },
      callbacks: [{ onValidationBatch: (batch) => void seen.push(batch) }, report],
    });
    expect(seen.map(({ labels: given }) => given)).toEqual([soft]);
    const counts = [0, 1, 2, 3].map((label) =>
      report.last!.confusion.filter((one) => one.label === label).reduce((sum, { count }) => sum + count, 0),
    );
    expect(counts).toEqual([2, 1, 1, 0]);
  });

  test('ends the run with its error, or where the signal says', async () => {
    const mine = new Error('mine');
    const model = await open();
    const given = { epochs: 1, validation: batches(2) };
    const train = (callback: Callback, signal?: AbortSignal) =>
      model.fit(batches(1), { ...given, callbacks: [callback], ...(signal && { signal }) });
    await expect(train({ onValidationBatch: () => Promise.reject(mine) })).rejects.toBe(mine);
    const stop = new AbortController();
    let calls = 0;
    const stopping = {
      onValidationBatch() {
        calls += 1;
        stop.abort(mine);
      },
    };
    await expect(train(stopping, stop.signal)).rejects.toBe(mine);
    expect(calls).toBe(1);
    await train({});
  });
});

describe('predictionReport', () => {
  const batch = (labels: number[], rows: number[][]): ValidationBatch => ({
    images: Float32Array.from(labels, (_, n) => 10 * labels.length + n),
    labels: Int32Array.from(labels),
    size: labels.length,
    probabilities: Float32Array.from(rows.flat()),
  });

  test('counts pairs of classes and keeps the surest mistakes', async () => {
    const report = predictionReport({ worst: 2 });
    expect(report.last).toBeUndefined();
    const logs = { ...{ epoch: 0, epochs: 1, loss: 1, top1: 0, top5: 1, lr: 1, seconds: 1 } };
    const end = () => report.onEpochEnd!({ ...logs, samplesPerSecond: 1, validation: undefined });
    for (const probability of [0.9, 0.5]) {
      await report.onEpochBegin!(0);
      await report.onValidationBatch!(
        batch(
          [0, 1, 2],
          [
            [0.7, 0.2, 0.1],
            [0.6, 0.3, 0.1],
            [0.25, 0.75, 0],
          ],
        ),
      );
      await report.onValidationBatch!(batch([1], [[probability, 0.1, 0]]));
      await end();
    }
    const counts = [
      { label: 0, guess: 0, count: 1 },
      { label: 1, guess: 0, count: 2 },
      { label: 2, guess: 1, count: 1 },
    ];
    expect(report.last).toEqual({
      samples: 4,
      confusion: counts,
      worst: [
        { image: Float32Array.of(32), label: 2, guess: 1, probability: 0.75 },
        { image: Float32Array.of(31), label: 1, guess: 0, probability: Math.fround(0.6) },
      ],
    });
    // An epoch without validation leaves the report as it is.
    await report.onEpochBegin!(1);
    await end();
    expect(report.last?.samples).toBe(4);
  });

  test('agrees with the metrics, for many classes', async () => {
    const classes = 1000;
    const size = 500;
    const probabilities = Float32Array.from({ length: size * classes }, (_, i) => ((i * 7919) % 9973) / 1e7);
    const report = predictionReport();
    await report.onValidationBatch!({
      ...{ images: new Float32Array(size * PIXELS), size, probabilities },
      labels: Int32Array.from({ length: size }, (_, n) => n % classes),
    });
    await report.onEpochEnd!({
      ...{ epoch: 0, epochs: 1, loss: 1, top1: 0, top5: 1, lr: 1, seconds: 1, samplesPerSecond: 1 },
      validation: undefined,
    });
    const { confusion, worst } = report.last!;
    expect(confusion.reduce((sum, { count }) => sum + count, 0)).toBe(size);
    expect(worst.length).toBe(12);
    const sureness = worst.map(({ probability }) => probability);
    expect(sureness).toEqual(sureness.toSorted((a, b) => b - a));

    const model = await open();
    const trained = predictionReport();
    const { epochs } = await model.fit(batches(2), {
      ...{ epochs: 1, validation: batches(3), callbacks: [trained] },
    });
    const right = trained.last!.confusion.filter(({ label, guess }) => label === guess);
    expect(right.reduce((sum, { count }) => sum + count, 0) / trained.last!.samples).toBe(
      epochs[0]!.validation!.top1,
    );
  });

  test('checks its options', () => {
    expect(() => predictionReport({ worst: -1 })).toThrow(ArgumentRangeError);
    expect(() => predictionReport({ best: 1 } as object)).toThrow(ArgumentError);
  });
});
