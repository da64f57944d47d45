/** Mixup and CutMix, which mix the images of a batch. */
import { describe, expect, test } from 'vitest';
import { drawBeta } from '../../../lib/data/augment/beta.ts';
import { cutmixBox } from '../../../lib/data/augment/cutmix.ts';
import { draws, randomUse, seedKey } from '../../../lib/data/random.ts';
import { type Augmentation, type Batch, floatImages, ImageDataset } from '../../../lib/index.ts';
import { bytes, mean } from './one_image.ts';

const [height, width] = [6, 8];
const pixels = height * width * 2;
/** Seven images of seven classes. */
const data = new ImageDataset({
  images: bytes(7 * pixels),
  labels: Uint8Array.of(3, 1, 0, 2, 6, 5, 4),
  shape: [height, width, 2],
  classes: 7,
});
const walk = (augmentation: Augmentation, epoch: number, batchSize = 3): Batch[] => [
  ...data.augmented(augmentation).batches({ batchSize, epoch, seed: 5, shuffle: true }),
];

/** Each batch beside the same without mixing: image and label, and those before it, and the label's new shares. */
function* pairs(augmentation: Augmentation, epochs: number) {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const plain = walk({}, epoch);
    for (const [b, batch] of walk(augmentation, epoch).entries()) {
      const { labels, size } = batch;
      const images = floatImages(batch);
      const before = plain[b]!;
      const unmixed = floatImages(before);
      for (let i = 0; i < size; i++) {
        const j = (i + size - 1) % size;
        yield {
          batch: epoch * 100 + b,
          mixed: images.subarray(i * pixels, (i + 1) * pixels),
          own: unmixed.subarray(i * pixels, (i + 1) * pixels),
          other: unmixed.subarray(j * pixels, (j + 1) * pixels),
          shares: labels.subarray(i * 7, (i + 1) * 7),
          label: before.labels[i]!,
          otherLabel: before.labels[j]!,
        };
      }
    }
  }
}

describe('mixup', () => {
  test('is lambda a + (1 - lambda) b, images and labels, one lambda a batch', () => {
    const lambdas = new Map<number, number>();
    for (const { batch, mixed, own, other, shares, label, otherLabel } of pairs({ mixup: 1 }, 20)) {
      if (label === otherLabel) {
        expect([...shares].reduce((a, b) => a + b)).toBeCloseTo(1, 6);
        expect(mixed).toEqual(own);
        continue;
      }
      const lambda = shares[label]!;
      expect(lambdas.get(batch) ?? lambda).toBe(lambda);
      lambdas.set(batch, lambda);
      for (const [c, share] of shares.entries())
        expect(share).toBeCloseTo(c === label ? lambda : c === otherLabel ? 1 - lambda : 0, 6);
      for (const [k, value] of mixed.entries())
        expect(value).toBeCloseTo(lambda * own[k]! + (1 - lambda) * other[k]!, 6);
    }
    expect(lambdas.size).toBe(40);
    expect(new Set(lambdas.values()).size).toBe(40);
  });
});

describe('cutmix', () => {
  test('puts a rectangle of the one before in, and the label has the share of pixels that are its own', () => {
    for (const { mixed, own, other, shares, label, otherLabel } of pairs({ cutmix: 1 }, 40)) {
      if (label === otherLabel) continue;
      const foreign: number[] = [];
      for (let p = 0; p < height * width; p++) {
        const is = (image: Float32Array) =>
          mixed[2 * p] === image[2 * p] && mixed[2 * p + 1] === image[2 * p + 1];
        expect(is(own) || is(other)).toBe(true);
        if (!is(own)) foreign.push(p);
      }
      expect(shares[label]).toBe(Math.fround(1 - foreign.length / (height * width)));
      expect(shares[otherLabel]).toBe(Math.fround(foreign.length / (height * width)));
      const rows = new Set(foreign.map((p) => Math.floor(p / width)));
      const columns = new Set(foreign.map((p) => p % width));
      expect(foreign.length).toBe(rows.size * columns.size);
    }
  });

  test('the rectangle has a share of 1 - lambda, less what lies outside', () => {
    const given =
      (...numbers: number[]) =>
      () =>
        numbers.shift()!;
    expect(cutmixBox(100, 60, 0.75, given(0.5, 0.5))).toEqual({ top: 25, left: 15, height: 50, width: 30 });
    expect(cutmixBox(100, 60, 0.75, given(0, 0.99))).toEqual({ top: 0, left: 44, height: 25, width: 16 });
    expect(cutmixBox(100, 60, 1, given(0.5, 0.5))).toMatchObject({ height: 0, width: 0 });
    expect(cutmixBox(100, 60, 0, given(0.5, 0.5))).toEqual({ top: 0, left: 0, height: 100, width: 60 });
  });
});

test('with both, a batch gets one of them, by chance', () => {
  let blended = 0;
  let batches = 0;
  for (let epoch = 0; epoch < 200; epoch++) {
    const values = new Set(floatImages(walk({}, epoch, 7)[0]!));
    const images = floatImages(walk({ mixup: 1, cutmix: 1 }, epoch, 7)[0]!);
    batches += 1;
    if (images.some((value) => !values.has(value))) blended += 1;
  }
  // Five deviations of sqrt(0.25 / 200).
  expect(Math.abs(blended / batches - 0.5)).toBeLessThan(0.18);
});

test('labels stay classes where nothing is mixed', () => {
  expect(walk({ flip: true }, 0)[0]!.labels).toBeInstanceOf(Int32Array);
  expect(walk({ mixup: 0, cutmix: 0 }, 0)[0]!.labels).toBeInstanceOf(Int32Array);
});

describe('drawBeta', () => {
  const sample = (alpha: number) =>
    Array.from({ length: 20_000 }, (_, i) => drawBeta(alpha, draws(seedKey(2), i, 0, randomUse.mix)));

  test.each([0.05, 0.2, 1, 3, 50])('of alpha %f has mean 1/2 and variance 1 / (8 alpha + 4)', (alpha) => {
    const values = sample(alpha);
    const variance = 1 / (8 * alpha + 4);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
    expect(Math.abs(mean(values) - 0.5)).toBeLessThan(5 * Math.sqrt(variance / values.length));
    const found = mean(values.map((value) => (value - 0.5) ** 2));
    expect(Math.abs(found / variance - 1)).toBeLessThan(0.05);
  });

  test('of alpha 1 is even', () => {
    const values = sample(1);
    for (const limit of [0.1, 0.3, 0.8])
      expect(Math.abs(values.filter((value) => value < limit).length / values.length - limit)).toBeLessThan(
        0.018,
      );
  });

  test('of a tiny alpha is 0 or 1', () => {
    const values = sample(1e-9);
    expect(new Set(values)).toEqual(new Set([0, 1]));
  });
});
