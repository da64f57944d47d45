import { describe, expect, it } from 'vitest';
import { floatImages } from '../../lib/data/batch.ts';
import {
  type Batch,
  type BatchOptions,
  ImageDataset,
  type ImageDatasetOptions,
} from '../../lib/data/dataset.ts';
import { ArgumentError, ArgumentRangeError, ShapeError } from '../../lib/errors.ts';

/** Images [H, W, C] whose pixels all differ, modulo 251, and whose first pixel is the image's index. */
function make(
  size: number,
  shape: [number, number, number],
  more: Partial<ImageDatasetOptions> = {},
): ImageDataset {
  const pixels = shape[0] * shape[1] * shape[2];
  const images = new Uint8Array(size * pixels).map((_, i) =>
    i % pixels === 0 ? i / pixels : 1 + ((i * 7) % 250),
  );
  const labels = new Uint8Array(size).map((_, i) => i % 10);
  return new ImageDataset({ images, labels, shape, classes: 10, scale: 1, ...more });
}

const indices = (batches: Iterable<Batch>, pixels: number) =>
  [...batches].map(({ images, size }) => Array.from({ length: size }, (_, i) => images[i * pixels]));

describe('batches', () => {
  const data = make(10, [2, 3, 1]);

  it('come in order, the last one smaller', () => {
    expect(indices(data.batches({ batchSize: 4 }), 6)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    const [, , last] = [...data.batches({ batchSize: 4 })];
    expect(last).toMatchObject({ size: 2, labels: new Int32Array([8, 9]) });
    expect(last?.images.length).toBe(12);
  });

  it('leave out the last one by dropLast', () => {
    expect(indices(data.batches({ batchSize: 4, dropLast: true }), 6).flat()).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
    expect([...data.batches({ batchSize: 5, dropLast: true })].length).toBe(2);
    expect([...data.batches({ batchSize: 11, dropLast: true })]).toEqual([]);
    expect([...data.batches({ batchSize: 11 })].length).toBe(1);
  });

  it('leave out the first ones by skip, and keep the others', () => {
    const options = { batchSize: 3, shuffle: true, seed: 5 };
    const augmented = data.augmented({ flip: true, crop: 1, mixup: 1 });
    const whole = [...augmented.batches(options)];
    for (const skip of [1, 3, 4, 9])
      expect([...augmented.batches({ ...options, skip })]).toEqual(whole.slice(skip));
    expect([...data.batches({ batchSize: 4, dropLast: true, skip: 1 })].length).toBe(1);
  });

  it('are shuffled as a function of seed and epoch alone', () => {
    const order = (options: Omit<BatchOptions, 'batchSize'>, batchSize = 3) =>
      indices(data.batches({ batchSize, shuffle: true, ...options }), 6).flat();
    const first = order({ seed: 1, epoch: 0 });
    expect([...first].sort((a = 0, b = 0) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(order({ seed: 1, epoch: 1 })).not.toEqual(first);
    expect(order({ seed: 2, epoch: 0 })).not.toEqual(first);
    expect(order({ seed: 1, epoch: 0 }, 7)).toEqual(first);
    for (const batch of data.batches({ batchSize: 3, shuffle: true })) {
      expect([...batch.labels]).toEqual(Array.from({ length: batch.size }, (_, i) => batch.images[i * 6]));
    }
  });

  it('own their arrays', () => {
    const walk = data.batches({ batchSize: 5 });
    const first = walk.next().value as Batch;
    const copy = first.images.slice();
    walk.next();
    expect(first.images).toEqual(copy);
    first.images.fill(-1);
    expect(indices(data.batches({ batchSize: 10 }), 6)[0]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('normalization', () => {
  const images = new Uint8Array([0, 128, 255, 10, 20, 30]);
  const options = { images, labels: new Int32Array([1]), shape: [1, 2, 3] as const, classes: 2 };
  const mean = [0.5, 0.25, 0];
  const std = [0.5, 2, 1];

  it('scales bytes to [0, 1] by default', () => {
    const [batch] = [...new ImageDataset(options).batches({ batchSize: 1 })];
    expect(floatImages(batch!)).toEqual(new Float32Array([...images].map((byte) => byte * (1 / 255))));
  });

  it('is per channel, and the same for bytes and floats', () => {
    const bytes = new ImageDataset({ ...options, mean, std });
    const floats = new ImageDataset({
      ...options,
      images: new Float32Array(images),
      mean,
      std,
      scale: 1 / 255,
    });
    const expected = new Float32Array(
      [...images].map((byte, i) => (byte / 255 - mean[i % 3]!) / std[i % 3]!),
    );
    for (const dataset of [bytes, floats]) {
      const [batch] = [...dataset.batches({ batchSize: 1 })];
      floatImages(batch!).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 6));
    }
    const [a] = [...bytes.batches({ batchSize: 1 })];
    const [b] = [...floats.batches({ batchSize: 1 })];
    expect(floatImages(a!)).toEqual(b!.images);
  });

  it('leaves floats alone by default', () => {
    const floats = new Float32Array([-1, 0.1, 3, 1e9, NaN, -0]);
    const [batch] = [...new ImageDataset({ ...options, images: floats }).batches({ batchSize: 1 })];
    expect(batch?.images).toEqual(floats);
  });
});

/** What augmentation may do, written pixel by pixel: pad with black, cut at (dy, dx), mirror. */
function moved(
  image: Float32Array,
  shape: readonly number[],
  dy: number,
  dx: number,
  flip: boolean,
): number[] {
  const [height = 0, width = 0, channels = 0] = shape;
  const result: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const row = y + dy;
        const column = x + dx;
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        const source = flip ? width - 1 - column : column;
        result.push(inside ? image[(row * width + source) * channels + c]! : 0);
      }
    }
  }
  return result;
}

describe('augmentation', () => {
  it.each<[[number, number, number], number, boolean, boolean]>([
    [[5, 4, 1], 2, true, true],
    [[3, 5, 3], 1, true, false],
    [[4, 4, 3], 4, true, true],
    [[4, 4, 2], 0, true, true],
    [[1, 1, 1], 1, false, true],
  ])(
    'of %o images with crop %i, flip %s, bytes %s gives all its variants and no others',
    (shape, crop, flip, bytes) => {
      const pixels = shape[0] * shape[1] * shape[2];
      const raw = new Uint8Array(pixels).map((_, i) => 1 + i);
      const images = bytes ? raw : new Float32Array(raw);
      const data = new ImageDataset({ images, labels: new Uint8Array(1), shape, classes: 1, scale: 1 });
      const variants = new Map<string, number>();
      for (let dy = -crop; dy <= crop; dy++) {
        for (let dx = -crop; dx <= crop; dx++) {
          for (const mirrored of flip ? [false, true] : [false]) {
            variants.set(moved(new Float32Array(raw), shape, dy, dx, mirrored).join(), 0);
          }
        }
      }
      for (let epoch = 0; epoch < 2000; epoch++) {
        const [batch] = [...data.augmented({ flip, crop }).batches({ batchSize: 1, epoch })];
        const key = batch!.images.join();
        expect(variants.has(key)).toBe(true);
        variants.set(key, variants.get(key)! + 1);
      }
      expect(Math.min(...variants.values())).toBeGreaterThan(0);
    },
  );

  it('is black, normalized, outside the image', () => {
    const images = new Uint8Array(2).fill(200);
    const data = new ImageDataset({
      images,
      labels: new Uint8Array(1),
      shape: [1, 1, 2],
      classes: 1,
      mean: [0.5, 1],
      std: [0.25, 2],
    });
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 50; epoch++) {
      for (const batch of data.augmented({ crop: 1 }).batches({ batchSize: 1, epoch }))
        seen.add(floatImages(batch).join());
    }
    expect([...seen]).toContain('-2,-0.5');
    expect(seen.size).toBe(2);
  });

  it('depends on (seed, epoch, index) and not on order or batch', () => {
    const data = make(40, [6, 6, 3]).augmented({ flip: true, crop: 2 });
    const byLabelAndCorner = (options: Omit<BatchOptions, 'batchSize'>, batchSize: number) => {
      const found: string[] = [];
      for (const { images, size } of data.batches({ batchSize, ...options })) {
        for (let i = 0; i < size; i++) found.push(images.subarray(i * 108, (i + 1) * 108).join());
      }
      return found.sort();
    };
    const plain = byLabelAndCorner({ seed: 3, epoch: 5 }, 40);
    expect(byLabelAndCorner({ seed: 3, epoch: 5, shuffle: true }, 7)).toEqual(plain);
    expect(byLabelAndCorner({ seed: 3, epoch: 6 }, 40)).not.toEqual(plain);
    expect(byLabelAndCorner({ seed: 4, epoch: 5 }, 40)).not.toEqual(plain);
  });
});

describe('parts', () => {
  const data = make(10, [2, 2, 1], { mean: [1], std: [2] });

  it('take and subset keep images, labels and normalization', () => {
    const part = data.subset(3, 6);
    expect(part).toMatchObject({ size: 3, shape: [2, 2, 1], classes: 10 });
    const [batch] = [...part.batches({ batchSize: 3 })];
    expect([...batch!.labels]).toEqual([3, 4, 5]);
    expect(floatImages(batch!)[0]).toBe((3 - 1) / 2);
    expect(part.subset(1, 2).image(0).label).toBe(4);
    expect(data.take(2).size).toBe(2);
  });

  it('image gives a copy of the stored pixels', () => {
    const { pixels, label } = data.image(7);
    expect(pixels).toBeInstanceOf(Uint8Array);
    expect([pixels.length, pixels[0], label]).toEqual([4, 7, 7]);
    pixels.fill(0);
    expect(data.image(7).pixels[0]).toBe(7);
  });
});

describe('wrong use', () => {
  const data = make(3, [2, 2, 1]);
  const good: ImageDatasetOptions = {
    images: new Uint8Array(8),
    labels: new Uint8Array(2),
    shape: [2, 2, 1],
    classes: 2,
  };
  /** A value whose type the compiler takes for right. */
  const wrong = <T>(value: unknown): T => value as T;
  const create = (more: Partial<ImageDatasetOptions>) => () => new ImageDataset({ ...good, ...more });
  const batches = (more: Partial<BatchOptions>) => () => data.batches({ batchSize: 1, ...more });

  it.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      'no options',
      () => new ImageDataset(wrong(undefined)),
      ArgumentError,
      /ImageDataset: expected an options object/,
    ],
    [
      'images list',
      create({ images: wrong([1]) }),
      ArgumentError,
      /images: expected a Uint8Array or Float32Array/,
    ],
    [
      'labels list',
      create({ labels: wrong([1]) }),
      ArgumentError,
      /labels: expected an Int32Array or Uint8Array/,
    ],
    ['shape of two', create({ shape: wrong([2, 2]) }), ArgumentError, /shape: expected \[H, W, C\]/],
    ['shape 0', create({ shape: [0, 2, 1] }), ArgumentRangeError, /shape\[0\]: .* received 0/],
    ['shape text', create({ shape: wrong([2, '2', 1]) }), ArgumentError, /shape\[1\]: .* received string/],
    ['pixels missing', create({ images: new Uint8Array(7) }), ShapeError, /2 x 2 x 2 x 1 pixels, received 7/],
    [
      'no images',
      create({ images: new Uint8Array(0), labels: new Uint8Array(0) }),
      ShapeError,
      /at least one/,
    ],
    ['classes 0', create({ classes: 0 }), ArgumentRangeError, /classes: .* received 0/],
    [
      'label too large',
      create({ labels: new Uint8Array([1, 2]) }),
      ArgumentRangeError,
      /labels\[1\]: .* 0 to 1, received 2/,
    ],
    [
      'label negative',
      create({ labels: new Int32Array([-1, 0]) }),
      ArgumentRangeError,
      /labels\[0\]: .* received -1/,
    ],
    ['mean of two', create({ mean: [0, 0] }), ArgumentRangeError, /mean: expected 1 finite numbers/],
    ['mean NaN', create({ mean: [NaN] }), ArgumentRangeError, /mean: expected/],
    ['std 0', create({ std: [0] }), ArgumentRangeError, /std: expected positive/],
    ['scale infinite', create({ scale: Infinity }), ArgumentRangeError, /scale: expected a finite/],
    ['batches()', () => data.batches(wrong(undefined)), ArgumentError, /batches: expected an options object/],
    [
      'batchSize missing',
      batches({ batchSize: wrong(undefined) }),
      ArgumentError,
      /batchSize: .* received undefined/,
    ],
    ['batchSize 0', batches({ batchSize: 0 }), ArgumentRangeError, /batchSize: .* received 0/],
    ['batchSize 1.5', batches({ batchSize: 1.5 }), ArgumentRangeError, /batchSize: .* received 1.5/],
    ['shuffle 1', batches({ shuffle: wrong(1) }), ArgumentError, /shuffle: expected true or false/],
    ['seed -1', batches({ seed: -1 }), ArgumentRangeError, /seed: .* received -1/],
    ['seed 2^53', batches({ seed: 2 ** 53 }), ArgumentRangeError, /seed: /],
    ['epoch 2^32', batches({ epoch: 2 ** 32 }), ArgumentRangeError, /epoch: /],
    ['skip -1', batches({ skip: -1 }), ArgumentRangeError, /skip: /],
    ['dropLast text', batches({ dropLast: wrong('no') }), ArgumentError, /dropLast: /],
    ['take 0', () => data.take(0), ArgumentRangeError, /take: count: .* 1 to 3, received 0/],
    ['take 4', () => data.take(4), ArgumentRangeError, /take: count: /],
    ['subset empty', () => data.subset(1, 1), ArgumentRangeError, /subset: end: .* 2 to 3, received 1/],
    ['subset -1', () => data.subset(-1, 1), ArgumentRangeError, /subset: start: /],
    ['image 3', () => data.image(3), ArgumentRangeError, /image: index: .* 0 to 2, received 3/],
  ])('%s', (_, call, kind, message) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });
});
