/** What all augmentations have in common. */
import { describe, expect, test } from 'vitest';
import {
  ArgumentError,
  ArgumentRangeError,
  type Augmentation,
  type BatchOptions,
  ImageDataset,
} from '../../../lib/index.ts';
import { bytes } from './one_image.ts';

const data = new ImageDataset({
  images: bytes(20 * 10 * 12 * 3),
  labels: Uint8Array.from({ length: 20 }, (_, i) => i % 4),
  shape: [10, 12, 3],
  classes: 4,
  // No byte becomes 0, which is kept for what is hidden.
  mean: [0.501, 0.401, 0.301],
});

const each: [string, Augmentation][] = [
  ['flip', { flip: true }],
  ['crop', { crop: 3 }],
  ['randomResizedCrop', { randomResizedCrop: {} }],
  ['rotate', { rotate: 20 }],
  ['colorJitter', { colorJitter: { brightness: 0.2, contrast: 0.3, saturation: 0.4 } }],
  ['cutout', { cutout: 4 }],
  ['randomErasing', { randomErasing: {} }],
];
const all: Augmentation = Object.assign({}, ...each.map(([, one]) => one));

/** Image by image, in the order of the labels and pixels. */
function images(augmentation: Augmentation, options: Partial<BatchOptions> = {}): string[] {
  const found: string[] = [];
  for (const batch of data.augmented(augmentation).batches({ batchSize: 6, ...options }))
    for (let i = 0; i < batch.size; i++) found.push(batch.images.subarray(i * 360, (i + 1) * 360).join());
  return found.sort();
}

describe.each([...each, ['all', all] as const])('%s', (_, augmentation) => {
  test('depends on seed, epoch and index alone', () => {
    const once = images(augmentation, { seed: 3, epoch: 5 });
    expect(images(augmentation, { seed: 3, epoch: 5, shuffle: true, batchSize: 7 })).toEqual(once);
    expect(images(augmentation, { seed: 3, epoch: 6 })).not.toEqual(once);
    expect(images(augmentation, { seed: 4, epoch: 5 })).not.toEqual(once);
    expect(images({}, { seed: 3, epoch: 5 })).not.toEqual(once);
    expect(images(JSON.parse(JSON.stringify(augmentation)), { seed: 3, epoch: 5 })).toEqual(once);
  });
});

test('mixing depends on seed, epoch and position alone', () => {
  const walk = (seed: number, epoch: number) => [
    ...data
      .augmented({ ...all, mixup: 0.5, cutmix: 1 })
      .batches({ batchSize: 6, shuffle: true, seed, epoch }),
  ];
  const once = walk(1, 2);
  expect(walk(1, 2)).toEqual(once);
  expect(walk(1, 3)[0]).not.toEqual(once[0]);
  // Another pass through an iterator that is left early changes nothing.
  for (const batch of data.augmented({ mixup: 1 }).batches({ batchSize: 2 })) if (batch.size > 0) break;
  expect(walk(1, 2)).toEqual(once);
});

test('one does not move the numbers of another', () => {
  const cut = (augmentation: Augmentation) =>
    [...data.augmented(augmentation).batches({ batchSize: 20 })][0]!.images.map((value) =>
      value === 0 ? 1 : 0,
    );
  expect(cut({ cutout: 4, colorJitter: { brightness: 0.5 } })).toEqual(cut({ cutout: 4 }));
});

describe('augmented', () => {
  test('leaves the dataset as it is, and replaces what was there', () => {
    const augmented = data.augmented({ flip: true, crop: 2 });
    expect([data.augmentation, augmented.augmentation]).toEqual([{}, { flip: true, crop: 2 }]);
    expect(augmented.augmented({ cutout: 2 }).augmentation).toEqual({ cutout: 2 });
    const plain = [...data.batches({ batchSize: 20 })];
    expect([...augmented.augmented({}).batches({ batchSize: 20 })]).toEqual(plain);
  });

  test('parts keep it', () => {
    const augmented = data.augmented({ crop: 2 });
    expect(augmented.take(3).augmentation).toEqual({ crop: 2 });
    const [part] = augmented.take(3).batches({ batchSize: 3 });
    const [whole] = augmented.batches({ batchSize: 20 });
    expect(part!.images).toEqual(whole!.images.subarray(0, 3 * 360));
  });

  test('the description is a copy', () => {
    const description = { randomResizedCrop: { scale: [0.5, 1] as [number, number] } };
    const augmented = data.augmented(description);
    const once = [...augmented.batches({ batchSize: 20 })];
    description.randomResizedCrop.scale[0] = 0.01;
    expect([...augmented.batches({ batchSize: 20 })]).toEqual(once);
    expect(augmented.augmentation).toEqual({ randomResizedCrop: { scale: [0.5, 1] } });
  });

  /** A value whose type the compiler takes for right. */
  const wrong = <T>(value: unknown): T => value as T;
  test.each<[Augmentation, new (...args: never[]) => Error, RegExp]>([
    [wrong(undefined), ArgumentError, /augmented: expected an options object, received undefined/],
    [wrong('flip'), ArgumentError, /augmented: expected an options object, received string/],
    [wrong({ flop: true }), ArgumentError, /augmented: expected flip, crop, .*, received 'flop'/],
    [{ flip: wrong(1) }, ArgumentError, /augmented\.flip: /],
    [{ crop: 11 }, ArgumentRangeError, /augmented\.crop: .* 0 to 10, received 11/],
    [{ crop: wrong('2') }, ArgumentError, /augmented\.crop: .* received string/],
    [{ rotate: 181 }, ArgumentRangeError, /augmented\.rotate: .* 0 to 180, received 181/],
    [{ rotate: wrong([1]) }, ArgumentError, /augmented\.rotate: .* received object/],
    [{ cutout: 1.5 }, ArgumentRangeError, /augmented\.cutout: .* received 1.5/],
    [{ mixup: -1 }, ArgumentRangeError, /augmented\.mixup: .* received -1/],
    [{ cutmix: NaN }, ArgumentRangeError, /augmented\.cutmix: .* received NaN/],
    [{ randomResizedCrop: wrong(true) }, ArgumentError, /randomResizedCrop: expected an options object/],
    [{ randomResizedCrop: wrong({ area: 1 }) }, ArgumentError, /expected scale, ratio, received 'area'/],
    [{ randomResizedCrop: { scale: [0, 1] } }, ArgumentRangeError, /Crop\.scale: .* received \[0, 1\]/],
    [{ randomResizedCrop: { scale: [0.5, 1.1] } }, ArgumentRangeError, /Crop\.scale: .* up to 1, received/],
    [{ randomResizedCrop: { ratio: [2, 1] } }, ArgumentRangeError, /Crop\.ratio: .* received \[2, 1\]/],
    [{ randomResizedCrop: { ratio: wrong(1) } }, ArgumentError, /Crop\.ratio: expected two numbers/],
    [{ colorJitter: wrong(0.4) }, ArgumentError, /colorJitter: expected an options object/],
    [{ colorJitter: { contrast: -0.1 } }, ArgumentRangeError, /colorJitter\.contrast: .* received -0.1/],
    [{ colorJitter: wrong({ hue: 0.1 }) }, ArgumentError, /expected brightness, .*, received 'hue'/],
    [{ randomErasing: { probability: 2 } }, ArgumentRangeError, /randomErasing\.probability: /],
    [{ randomErasing: { area: [0.1, 2] } }, ArgumentRangeError, /randomErasing\.area: /],
    [{ randomErasing: wrong({ p: 0.5 }) }, ArgumentError, /expected probability, area, ratio, received 'p'/],
    [
      { randomErasing: wrong(null) },
      ArgumentError,
      /randomErasing: expected an options object, received null/,
    ],
  ])('refuses %j', (augmentation, kind, message) => {
    expect(() => data.augmented(augmentation)).toThrow(kind);
    expect(() => data.augmented(augmentation)).toThrow(message);
  });
});
