/** Batches of bytes, which the device normalizes, against the same in floats: every bit is equal. */
import { afterEach, describe, expect, test } from 'vitest';
import { byteTable } from '../../lib/data/normalization.ts';
import {
  ArgumentError,
  ArgumentRangeError,
  type Batch,
  floatImages,
  ImageDataset,
  ShapeError,
  schedules,
  sgd,
} from '../../lib/index.ts';
import { defineModel, globalAvgPool, linear, squeezeExcite } from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { Random } from '../helpers/random.ts';
import { bitsOf, CLASSES, definition, PIXELS, SIZE } from './helpers.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const opened: Model[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

/** SE on the images themselves, so that no convolution takes them. */
const bare = defineModel({ input: [SIZE, SIZE, 3], name: 'bare' }, (images) =>
  linear(globalAvgPool(squeezeExcite(images, { reduction: 1, name: 'se' })), { units: CLASSES, name: 'fc' }),
);

const count = 20;
const random = new Random('bytes');
const data = new ImageDataset({
  images: Uint8Array.from({ length: count * PIXELS }, () => random.integer(0, 255)),
  labels: Uint8Array.from({ length: count }, (_, i) => i % CLASSES),
  shape: [SIZE, SIZE, 3],
  classes: CLASSES,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
});

const asFloats = ({ labels, size, ...prepared }: Batch): Batch => ({
  images: floatImages(prepared),
  labels,
  size,
});

const devices = [
  { device: 'cpu', layout: 'blocked8' },
  { device: 'cpu', layout: 'channels_last' },
  { device: 'cuda' },
  { device: 'cuda', precision: 'bfloat16' },
] as const;

async function open(network: typeof definition | typeof bare, where: (typeof devices)[number]) {
  const model = new Model(network, { seed: 3 });
  opened.push(model);
  const schedule = schedules.constant({ lr: 0.05 });
  await model.compile({
    ...where,
    ...(where.device === 'cpu' && { threads: 1 }),
    optimizer: sgd(),
    schedule,
  });
  return model;
}

describe.each(devices)('on %j', (where) => {
  test.each([definition, bare])('training, evaluation and gates', async (network) => {
    const found = await Promise.all(
      [(batch: Batch) => batch, asFloats].map(async (given) => {
        const model = await open(network, where);
        const walk = (epoch: number) =>
          [...data.augmented({ flip: true, crop: 2, cutmix: 1 }).batches({ batchSize: 8, epoch })].map(given);
        const plain = [...data.batches({ batchSize: 8 })].map(given);
        const history = await model.fit(walk, { epochs: 2, batchSize: 8, accumulate: 2, validation: plain });
        return {
          ...{
            losses: history.epochs.map(({ loss, validation }) => [loss, validation?.loss]),
            bits: await bitsOf(model),
          },
          evaluation: await model.evaluate(plain),
          gates: await model.captureExcitations(plain),
        };
      }),
    );
    expect(found[0]).toEqual(found[1]);
  });
});

test('bytes and floats in turn are steps of one training', async () => {
  const found = await Promise.all(
    [(batch: Batch, i: number) => (i % 2 === 0 ? batch : asFloats(batch)), asFloats].map(async (given) => {
      const model = await open(definition, devices[0]);
      for (const [i, batch] of [...data.batches({ batchSize: 5 })].entries())
        await model.trainBatch(given(batch, i), { lr: 0.1 });
      return bitsOf(model);
    }),
  );
  expect(found[0]).toBe(found[1]);
});

test('a table holds what each byte stands for', () => {
  const table = byteTable({ scale: 1 / 255, mean: [0.5, 0], std: [0.25, 1] });
  expect([table.length, table[0], table[255], table[256], table[511]]).toEqual([512, -2, 2, 0, 1]);
});

test('augmentations that hide or blend give floats, the others bytes', () => {
  const kind = (augmentation: Parameters<typeof data.augmented>[0]) =>
    [...data.augmented(augmentation).batches({ batchSize: 4 })][0]!.images.constructor;
  for (const one of [{}, { flip: true, crop: 1, rotate: 9 }, { randomResizedCrop: {} }, { cutmix: 1 }])
    expect(kind(one)).toBe(Uint8Array);
  for (const one of [{ cutout: 2 }, { randomErasing: {} }, { mixup: 1 }, { mixup: 1, cutmix: 1 }])
    expect(kind(one)).toBe(Float32Array);
});

describe('wrong batches', () => {
  const labels = Int32Array.of(0);
  const normalization = { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };
  const bytes = { images: new Uint8Array(PIXELS), labels, size: 1, normalization };
  const cases: [string, object, new (...args: never[]) => Error, RegExp][] = [
    ['too few bytes', { ...bytes, images: new Uint8Array(5) }, ShapeError, /images: expected 192 values/],
    [
      'others',
      { ...bytes, images: new Uint16Array(PIXELS) },
      ArgumentError,
      /images: expected a Float32Array/,
    ],
    [
      'bytes alone',
      { ...bytes, normalization: undefined },
      ArgumentError,
      /normalization: expected \{ scale/,
    ],
    [
      'floats with a normalization',
      { ...bytes, images: new Float32Array(PIXELS) },
      ArgumentError,
      /normalization: expected none, as the images are floats/,
    ],
    ...(
      [
        ['scale', Number.NaN, /scale: expected a finite number, received NaN/],
        ['mean', [0], /mean: expected 3 finite numbers, one per channel, received 0/],
        ['std', [1, 1, 1, 1], /std: expected 3 finite numbers/],
        ['std', [1, 0, 1], /std: expected positive numbers, received 1, 0, 1/],
        ['std', [1, 1e-300, 1], /std: expected numbers that keep bytes in the range of floats/],
      ] as const
    ).map(
      ([key, value, message]) =>
        [
          `${key} ${String(value)}`,
          { ...bytes, normalization: { ...normalization, [key]: value } },
          ArgumentRangeError,
          message,
        ] as [string, object, typeof ArgumentRangeError, RegExp],
    ),
  ];
  test.each(cases)('%s', async (_, batch, kind, message) => {
    const model = await open(definition, devices[0]);
    const wrong = model.trainBatch(batch as Batch, { lr: 0.1 });
    await expect(wrong).rejects.toThrow(kind);
    await expect(wrong).rejects.toThrow(message);
  });

  test('floatImages says so, too', () => {
    expect(floatImages(bytes)).toEqual(new Float32Array(PIXELS));
    expect(() => floatImages({ images: new Uint8Array(3) })).toThrow(ArgumentError);
    expect(() => floatImages({ ...bytes, images: new Uint8Array(4) })).toThrow(ShapeError);
  });
});
