import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  ArgumentRangeError,
  cifar10,
  cifar10Classes,
  cifar100,
  cifar100Classes,
  cifar100CoarseClasses,
  FileError,
  floatImages,
  preprocessings,
} from '../../lib/index.ts';

const root = mkdtempSync(join(tmpdir(), 'senet-cifar-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A record: its labels, then planes whose bytes tell channel and place. */
const record = (...labels: number[]) => [
  ...labels,
  ...Array.from({ length: 3072 }, (_, i) => (i + 80 * Math.floor(i / 1024)) % 256),
];
const write = (path: string, ...records: number[][]) => writeFileSync(path, Uint8Array.from(records.flat()));

function make10(name: string): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  for (let i = 1; i <= 5; i++) write(join(directory, `data_batch_${i}.bin`), record(i), record(9 - i));
  write(join(directory, 'test_batch.bin'), record(7));
  return directory;
}

function make100(name: string): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  write(join(directory, 'train.bin'), record(19, 99), record(0, 3), record(4, 50));
  write(join(directory, 'test.bin'), record(1, 2));
  return directory;
}

describe('cifar10', () => {
  test('reads the files in order, channels last', async () => {
    const { train, test: held } = await cifar10({ directory: make10('ten') });
    expect(train).toMatchObject({ size: 10, shape: [32, 32, 3], classes: 10 });
    expect(held).toMatchObject({ size: 1, shape: [32, 32, 3], classes: 10 });
    const [batch] = train.batches({ batchSize: 10 });
    expect([...batch!.labels]).toEqual([1, 8, 2, 7, 3, 6, 4, 5, 5, 4]);
    const { pixels } = held.image(0);
    for (const i of [0, 1, 500, 1023])
      expect([...pixels.subarray(3 * i, 3 * i + 3)]).toEqual([i % 256, (i + 80) % 256, (i + 160) % 256]);
    const { mean, std } = preprocessings.cifar10;
    for (const c of [0, 1, 2])
      expect(floatImages(batch!)[3 + c]).toBeCloseTo(((1 + 80 * c) / 255 - mean[c]!) / std[c]!, 5);
  });

  test('without normalization pixels are in [0, 1]', async () => {
    const { train } = await cifar10({ directory: make10('plain'), normalize: false });
    const [batch] = train.batches({ batchSize: 1 });
    expect(floatImages(batch!)[1]).toBe(Math.fround(80 / 255));
  });

  test("finds the archive's folder in the directory", async () => {
    make10('archive/cifar-10-batches-bin');
    expect((await cifar10({ directory: join(root, 'archive') })).train.size).toBe(10);
  });

  test('names what is missing and where to get it', async () => {
    const directory = make10('incomplete');
    rmSync(join(directory, 'data_batch_3.bin'));
    const error: unknown = await cifar10({ directory }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    for (const part of [
      directory,
      'data_batch_1.bin, ',
      'missing data_batch_3.bin.',
      'https://www.cs.toronto.edu/',
    ])
      expect(String(error)).toContain(part);
  });

  test.each<[string, (path: string) => void, RegExp]>([
    [
      'empty',
      (path) => truncateSync(path, 0),
      /records of 3073 bytes, received 0 bytes, which end in record 0/,
    ],
    ['cut', (path) => truncateSync(path, 6000), /received 6000 bytes, which end in record 1/],
    ['too long', (path) => truncateSync(path, 6147), /received 6147 bytes, which end in record 2/],
    [
      'a wrong label',
      (path) => write(path, record(9), record(10)),
      /record 1: expected a label from 0 to 9, received 10/,
    ],
    ['of CIFAR-100', (path) => write(path, record(1, 2)), /records of 3073 bytes, received 3074/],
    [
      'a folder',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /expected a regular file, found a directory/,
    ],
  ])('refuses a file that is %s', async (name, damage, message) => {
    const directory = make10(`bad ${name}`);
    damage(join(directory, 'data_batch_2.bin'));
    const error: unknown = await cifar10({ directory }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect(String(error)).toMatch(message);
    expect(String(error)).toContain('data_batch_2.bin');
  });
});

describe('cifar100', () => {
  test('has fine and coarse labels', async () => {
    const directory = make100('hundred');
    const { train, test: held } = await cifar100({ directory });
    expect(train).toMatchObject({ size: 3, shape: [32, 32, 3], classes: 100 });
    const [batch] = train.batches({ batchSize: 3 });
    expect([...batch!.labels]).toEqual([99, 3, 50]);
    expect(floatImages(batch!)[0]).toBeCloseTo(
      -preprocessings.cifar100.mean[0] / preprocessings.cifar100.std[0],
      5,
    );
    expect(held.size).toBe(1);
    const coarse = await cifar100({ directory, labels: 'coarse' });
    expect(coarse.train.classes).toBe(20);
    expect([...[...coarse.train.batches({ batchSize: 3 })][0]!.labels]).toEqual([19, 0, 4]);
  });

  test.each([
    ['coarse', record(20, 0), /record 0: expected a label from 0 to 19, received 20/],
    ['fine', record(19, 100), /record 0: expected a label from 0 to 99, received 100/],
  ] as const)('refuses a wrong %s label, whichever is asked for', async (labels, bad, message) => {
    const directory = make100(`bad ${labels}`);
    write(join(directory, 'test.bin'), bad);
    await expect(cifar100({ directory })).rejects.toThrow(message);
    await expect(cifar100({ directory, labels: 'coarse' })).rejects.toThrow(message);
  });

  test('names what is missing', async () => {
    await expect(cifar100({ directory: root })).rejects.toThrow(
      /missing train\.bin, test\.bin\. .*binary version/,
    );
  });
});

test('wrong arguments', async () => {
  await expect(cifar10(undefined as never)).rejects.toThrow(ArgumentError);
  await expect(cifar10({} as never)).rejects.toThrow(/cifar10: directory: expected a path/);
  await expect(cifar10({ directory: 'x', normalize: 1 as never })).rejects.toThrow(/normalize/);
  await expect(cifar100({ directory: '' })).rejects.toThrow(ArgumentRangeError);
  await expect(cifar100({ directory: 'x', labels: 'both' as never })).rejects.toThrow(
    /labels: expected 'fine' or 'coarse', received both/,
  );
});

test('class names', () => {
  expect([cifar10Classes.length, cifar100Classes.length, cifar100CoarseClasses.length]).toEqual([
    10, 100, 20,
  ]);
  expect([cifar10Classes[9], cifar100Classes[0], cifar100Classes[50], cifar100Classes[99]]).toEqual([
    'truck',
    'apple',
    'mouse',
    'worm',
  ]);
  // The published files are sorted.
  for (const names of [cifar100Classes, cifar100CoarseClasses]) expect([...names].sort()).toEqual([...names]);
});
