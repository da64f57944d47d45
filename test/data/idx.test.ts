import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatImages } from '../../lib/data/batch.ts';
import { readIdx } from '../../lib/data/idx.ts';
import { readIdxDataset } from '../../lib/data/idx_dataset.ts';
import { ArgumentError, ArgumentRangeError, FileError } from '../../lib/errors.ts';
import { seeded } from '../io/build.ts';
import { badIdx, idx, lyingIdx } from './bad_idx.ts';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'senet-idx-'));
  path = join(folder, 'images-idx3-ubyte');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function rejection(bytes: Uint8Array): Promise<FileError> {
  writeFileSync(path, bytes);
  const outcome: unknown = await readIdx(path).catch((error: unknown) => error);
  if (!(outcome instanceof FileError)) throw new Error(`expected a FileError, received ${String(outcome)}`);
  expect(outcome.path).toBe(path);
  return outcome;
}

const data = new Uint8Array(3_000_000).map((_, i) => (i * 7) ^ (i >> 8));

describe('readIdx', () => {
  it.each([
    ['plain', (bytes: Uint8Array) => bytes],
    ['gzip', (bytes: Uint8Array) => gzipSync(bytes, { level: 1 })],
    [
      'two gzip members',
      (bytes: Uint8Array) => Buffer.concat([gzipSync(bytes.subarray(0, 9)), gzipSync(bytes.subarray(9))]),
    ],
  ])('reads 1 to 4 dimensions, %s', async (_, pack) => {
    for (const shape of [[3_000_000], [3000, 1000], [3, 1000, 1000], [30, 100, 100, 10]]) {
      writeFileSync(path, pack(idx(shape, data)));
      const read = await readIdx(path);
      expect(read.shape).toEqual(shape);
      expect(Buffer.compare(read.data, data)).toBe(0);
    }
    writeFileSync(path, pack(idx([0, 28, 28], 0)));
    expect(await readIdx(path)).toEqual({ shape: [0, 28, 28], data: new Uint8Array(0) });
  });

  it('obeys maxBytes for the file and for its content', async () => {
    writeFileSync(path, idx([1000], 1000));
    await expect(readIdx(path, { maxBytes: 1007 })).rejects.toThrow(
      'expected at most 1007 bytes, the file has 1008',
    );
    expect((await readIdx(path, { maxBytes: 1008 })).data.length).toBe(1000);
    writeFileSync(path, gzipSync(idx([1000], 1000)));
    await expect(readIdx(path, { maxBytes: 1007 })).rejects.toThrow(
      /at most 1007 bytes, which is the limit, received 1008/,
    );
    expect((await readIdx(path, { maxBytes: 1008 })).data.length).toBe(1000);
    await expect(readIdx(path, { maxBytes: -1 })).rejects.toBeInstanceOf(ArgumentRangeError);
  });

  it('refuses what is not a regular file', async () => {
    await expect(readIdx(folder)).rejects.toThrow(/expected a regular file, found a directory/);
    await expect(readIdx('/dev/zero')).rejects.toThrow(/expected a regular file, found a device/);
    await expect(readIdx(join(folder, 'missing'))).rejects.toThrow(/missing: cannot open: ENOENT/);
    await expect(readIdx('')).rejects.toBeInstanceOf(ArgumentRangeError);
  });

  it('has at least 15 kinds of bad files', () => {
    expect(new Set(badIdx.map(({ name }) => name)).size).toBe(badIdx.length);
    expect(badIdx.length).toBeGreaterThanOrEqual(15);
  });

  it.each(badIdx)('refuses: $name', async ({ bytes, message }) => {
    expect((await rejection(bytes)).message).toMatch(message);
  });

  it('refuses every prefix, plain and compressed', async () => {
    const bytes = idx([5, 4, 4], data.subarray(0, 80));
    for (const whole of [bytes, new Uint8Array(gzipSync(bytes))]) {
      for (let length = 0; length < whole.length; length++) await rejection(whole.subarray(0, length));
    }
  });

  it('refuses small files that claim to be huge, quickly and without taking memory', async () => {
    for (const { bytes, message } of lyingIdx) expect((await rejection(bytes)).message).toMatch(message);
    const before = process.memoryUsage.rss();
    let highest = 0;
    let slowest = 0;
    for (const { name, bytes, message } of lyingIdx) {
      expect(bytes.length, name).toBeLessThan(1024);
      const start = performance.now();
      expect((await rejection(bytes)).message, name).toMatch(message);
      slowest = Math.max(slowest, performance.now() - start);
      highest = Math.max(highest, process.memoryUsage.rss() - before);
    }
    console.log(
      `${lyingIdx.length} lying IDX files: RSS +${(highest / 2 ** 20).toFixed(1)} MB, slowest ${slowest.toFixed(1)} ms`,
    );
    expect(highest).toBeLessThan(16 * 2 ** 20);
    expect(slowest).toBeLessThan(100);
  });
});

it('survives 2000 mutated files (seed 11)', { timeout: 60_000 }, async () => {
  const random = seeded(11);
  const whole = (limit: number) => Math.floor(random() * limit);
  const plain = idx([20, 6, 6], data.subarray(0, 720));
  const outcomes = { accepted: 0, rejected: 0 };
  for (let i = 0; i < 2000; i++) {
    // Half of them changed before packing, so that half of the packed ones unpack.
    const original = i % 4 === 1 ? new Uint8Array(gzipSync(plain)) : plain;
    let bytes = [...original];
    for (let changes = 1 + whole(3); changes > 0; changes--) {
      const at = whole(random() < 0.6 ? Math.min(20, bytes.length) : bytes.length);
      const kind = whole(8);
      if (kind < 4) bytes[at]! ^= 1 << whole(8);
      else if (kind < 6) bytes[at] = whole(256);
      else if (kind === 6) bytes.splice(at, 1 + whole(4));
      else bytes.splice(at, 0, whole(256));
    }
    if (i % 4 === 3) bytes = [...gzipSync(Uint8Array.from(bytes), { level: 1 })];
    writeFileSync(path, Uint8Array.from(bytes));
    try {
      const { shape, data: content } = await readIdx(path);
      expect(content.length).toBe(shape.reduce((product, size) => product * size, 1));
      outcomes.accepted++;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      outcomes.rejected++;
    }
  }
  console.log(`seed 11: ${outcomes.accepted} accepted, ${outcomes.rejected} rejected`);
  expect(outcomes.accepted).toBeGreaterThan(100);
});

describe('readIdxDataset', () => {
  const files = (images: Uint8Array, labels: Uint8Array): [string, string] => {
    const paths: [string, string] = [join(folder, 'images'), join(folder, 'labels')];
    writeFileSync(paths[0], images);
    writeFileSync(paths[1], labels);
    return paths;
  };
  const images = idx([3, 2, 2], new Uint8Array([0, 255, 51, 102, 1, 2, 3, 4, 5, 6, 7, 8]));

  it('makes grey images with their labels', async () => {
    const dataset = await readIdxDataset(...files(images, idx([3], new Uint8Array([2, 0, 1]))), {
      classes: 3,
    });
    expect(dataset).toMatchObject({ size: 3, shape: [2, 2, 1], classes: 3 });
    const [batch] = [...dataset.batches({ batchSize: 1 })];
    expect(floatImages(batch!)).toEqual(new Float32Array([0, 1, 0.2, 0.4]));
    expect([...batch!.labels]).toEqual([2]);
  });

  it.each<[string, Uint8Array, Uint8Array, RegExp]>([
    [
      'label 255',
      images,
      idx([3], new Uint8Array([0, 255, 1])),
      /labels: record 1: expected a label from 0 to 9, received 255/,
    ],
    [
      'label equal to the classes',
      images,
      idx([3], new Uint8Array([0, 1, 10])),
      /labels: record 2: .* received 10/,
    ],
    ['too few labels', images, idx([2], 2), /images: expected 2 images, as many as labels, received 3/],
    ['too many labels', images, idx([4], 4), /images: expected 4 images, as many as labels, received 3/],
    [
      'images and labels swapped',
      idx([3], 3),
      images,
      /labels: expected labels \[N\], .* received \[3, 2, 2\]/,
    ],
    [
      'flat images',
      idx([3, 4], 12),
      idx([3], 3),
      /images: expected images \[N, H, W\], .* received \[3, 4\]/,
    ],
    ['no images', idx([0, 2, 2], 0), idx([0], 0), /labels: expected labels \[N\], N at least 1/],
    [
      'images without pixels',
      idx([3, 0, 2], 0),
      idx([3], 3),
      /images: expected images .* received \[3, 0, 2\]/,
    ],
    [
      'images far too wide',
      idx([1, 1, 70_000], 70_000),
      idx([1], 1),
      /images: expected images .* received \[1, 1, 70000\]/,
    ],
  ])('refuses: %s', async (_, first, second, message) => {
    const reading = readIdxDataset(...files(first, second), { classes: 10 });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toBeInstanceOf(FileError);
  });

  it('checks its arguments', async () => {
    const paths = files(images, idx([3], 3));
    await expect(readIdxDataset(...paths, { classes: 0 })).rejects.toBeInstanceOf(ArgumentRangeError);
    await expect(readIdxDataset(...paths, { classes: 257 })).rejects.toBeInstanceOf(ArgumentRangeError);
    await expect(readIdxDataset(...paths, { classes: 3, std: 0 })).rejects.toBeInstanceOf(ArgumentRangeError);
    await expect(readIdxDataset(...paths, 3 as never)).rejects.toBeInstanceOf(ArgumentError);
  });
});
