import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { MemorySource } from '../../lib/io/byte_source.ts';
import { openWeightSource, openWeights } from '../../lib/io/open_weights.ts';
import type { WeightFile } from '../../lib/io/weight_file.ts';
import { badPth, lyingPth } from './bad_pth.ts';
import { stateDict, streamFile, validPth, zip, zipFile } from './build_pth.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-bad-pth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Opens bytes and reads every tensor. */
async function readAll(bytes: Uint8Array): Promise<WeightFile> {
  const file = await openWeightSource(new MemorySource('bad.pth', bytes));
  for (const tensor of file.tensors.values()) await tensor.read();
  return file;
}

const rejection = (bytes: Uint8Array): Promise<unknown> =>
  readAll(bytes).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('bad files of PyTorch', () => {
  test('has at least 60 kinds with different names', () => {
    const names = new Set(badPth.map(({ name }) => name));
    expect(names.size).toBe(badPth.length);
    expect(names.size).toBeGreaterThanOrEqual(60);
  });

  test.each(badPth)('refuses: $name', async ({ bytes, message }) => {
    const error = await rejection(bytes);
    expect(error).toBeInstanceOf(FileError);
    if (!(error instanceof FileError)) return;
    expect(error.code).toBe('ERR_SENET_FILE');
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(500);
  });

  test('from the disk, too, which is closed again', async () => {
    const path = join(folder, 'bad.pth');
    for (const { bytes, name } of badPth.filter(({ name }) => !name.startsWith('damaged'))) {
      writeFileSync(path, bytes);
      const error = await openWeights(path).catch((caught: unknown) => caught);
      expect(error, name).toBeInstanceOf(FileError);
    }
    await expect(openWeights(path, { maxBytes: 10 })).rejects.toThrow(
      /expected at most 10 bytes, the file has/,
    );
  });

  test.each(['zip', 'stream'] as const)('every prefix of a valid %s', async (kind) => {
    const bytes = validPth(kind);
    expect((await readAll(bytes)).tensors.size).toBe(4);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await rejection(bytes.subarray(0, length)), `prefix of ${length}`).toBeInstanceOf(FileError);
    }
  });

  test('small files that claim to be huge take no memory', async () => {
    expect(lyingPth.length).toBeGreaterThanOrEqual(8);
    for (const { bytes } of lyingPth) {
      const before = process.memoryUsage().rss;
      expect(await rejection(bytes)).toBeInstanceOf(FileError);
      expect(process.memoryUsage().rss - before).toBeLessThan(16 * 2 ** 20);
    }
  });
});

describe('unusual files that are valid', () => {
  const float = Uint8Array.from(Buffer.from(Float32Array.of(1, 2, 3, 4).buffer));
  const read = async (bytes: Uint8Array, name = 'w') =>
    [...(await (await readAll(bytes)).tensors.get(name)!.toFloat32())].join();

  test('zip64, a comment, no checksums, no byte order', async () => {
    const pickle = stateDict({ w: {} });
    expect(await read(zipFile(pickle, { 0: float }, { wide: true }))).toBe('1,2,3,4');
    expect(await read(zipFile(pickle, { 0: float }, { comment: 'PK\x05\x06' }))).toBe('1,2,3,4');
    const records = [
      { name: 'x/data.pkl', bytes: pickle, crc: 0 },
      { name: 'x/data/0', bytes: float, crc: 0 },
    ];
    expect(await read(zip(records))).toBe('1,2,3,4');
  });

  test('strides, offsets, shared storages, no elements and one', async () => {
    const file = zipFile(
      stateDict({
        transposed: { strides: [1, 2] },
        column: { shape: [2], strides: [2], offset: 1 },
        single: { shape: [], strides: [], offset: 3 },
        nothing: { shape: [0, 7], strides: [7, 1], offset: 4 },
        ones: { shape: [1, 4, 1], strides: [9, 1, 9] },
      }),
      { 0: float },
    );
    expect(await read(file, 'transposed')).toBe('1,3,2,4');
    expect(await read(file, 'column')).toBe('2,4');
    expect(await read(file, 'single')).toBe('4');
    expect(await read(file, 'nothing')).toBe('');
    expect(await read(file, 'ones')).toBe('1,2,3,4');
  });

  test('wide elements with strides keep every bit', async () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    const spec = { type: 'torch.DoubleStorage', strides: [1, 2] };
    const file = await readAll(zipFile(stateDict({ w: spec }), { 0: bytes }));
    const swapped = [
      ...bytes.subarray(0, 8),
      ...bytes.subarray(16, 24),
      ...bytes.subarray(8, 16),
      ...bytes.subarray(24),
    ];
    expect([...(await file.tensors.get('w')!.read()).data]).toEqual(swapped);
  });

  test('a view of a storage, and the rebuild function of the first versions', async () => {
    const views = stateDict({
      w: { view: [1, 2], shape: [2], strides: [1] },
      v: { view: null, rebuild: 'torch._utils._rebuild_tensor' },
    });
    const file = streamFile(views, { storages: [[4, float]] });
    expect(await read(file, 'w')).toBe('2,3');
    expect(await read(file, 'v')).toBe('1,2,3,4');
  });

  test('names of prototypes', async () => {
    const bytes = zipFile(stateDict({ ['__proto__']: {}, constructor: {} }), { 0: float });
    expect([...(await readAll(bytes)).tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect('dtype' in {}).toBe(false);
  });
});
