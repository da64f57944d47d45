import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { badSafetensors, lyingSafetensors } from './bad_safetensors.ts';
import { entry, file, validFile } from './build.ts';
import { readBytes, readFile } from './read_bytes.ts';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'senet-bad-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The error of reading these bytes, after checking that memory and file give the same. */
async function rejection(bytes: Uint8Array): Promise<FileError> {
  writeFileSync(path, bytes);
  const [fromFile, fromMemory] = await Promise.all(
    [readFile(path), readBytes(bytes, path)].map((reading) => reading.catch((error: unknown) => error)),
  );
  if (!(fromFile instanceof FileError)) throw new Error(`expected a FileError, received ${String(fromFile)}`);
  expect(fromMemory).toBeInstanceOf(FileError);
  expect(fromFile.message).toBe(fromMemory instanceof FileError ? fromMemory.message : '');
  return fromFile;
}

describe('bad safetensors files', () => {
  it('has at least 40 kinds with different names', () => {
    const names = new Set(badSafetensors.map(({ name }) => name));
    expect(names.size).toBe(badSafetensors.length);
    expect(names.size).toBeGreaterThanOrEqual(40);
  });

  it.each(badSafetensors)('refuses: $name', async ({ bytes, message }) => {
    const error = await rejection(bytes);
    expect(error.code).toBe('ERR_SENET_FILE');
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(path.length + 400);
    expect('polluted' in {}).toBe(false);
  });

  it('refuses every prefix of a valid file', async () => {
    const bytes = validFile();
    expect((await readBytes(bytes)).tensors.size).toBe(4);
    for (let length = 0; length < bytes.length; length++) {
      const reading = readBytes(bytes.subarray(0, length));
      await expect(reading, `prefix of ${length}`).rejects.toThrow(FileError);
    }
  });

  it('survives every flipped bit of the header', async () => {
    const bytes = validFile();
    const headerEnd = bytes.length - 3748;
    let accepted = 0;
    for (let bit = 0; bit < headerEnd * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      try {
        await readBytes(bytes);
        accepted++;
      } catch (error) {
        expect(error).toBeInstanceOf(FileError);
      }
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    // Flips inside names, metadata and between types or shapes of equal size change no size.
    expect(accepted).toBeLessThan(headerEnd * 4);
  });
});

describe('small files that claim to be huge', () => {
  it('are refused quickly without taking memory', async () => {
    for (const { bytes, message } of lyingSafetensors)
      expect((await rejection(bytes)).message).toMatch(message);
    const before = process.memoryUsage.rss();
    let highest = 0;
    let slowest = 0;
    for (const { name, bytes, message } of lyingSafetensors) {
      expect(bytes.length, name).toBeLessThan(1024);
      const start = performance.now();
      expect((await rejection(bytes)).message, name).toMatch(message);
      slowest = Math.max(slowest, performance.now() - start);
      highest = Math.max(highest, process.memoryUsage.rss() - before);
    }
    console.log(
      `${lyingSafetensors.length} lying safetensors: RSS +${(highest / 2 ** 20).toFixed(1)} MB, slowest ${slowest.toFixed(1)} ms`,
    );
    expect(highest).toBeLessThan(16 * 2 ** 20);
    expect(slowest).toBeLessThan(100);
  });
});

describe('unusual safetensors files that are valid', () => {
  const valid: [string, Uint8Array, number][] = [
    ['no tensors', file('{}'), 0],
    ['only metadata', file('{"__metadata__":{"a":"b"}}'), 0],
    ['trailing white space', file('{} \n\t\r  '), 0],
    [
      'white space between tokens',
      file(`{ "a" : { "dtype" : "U8" ,\n"shape" : [ 1 ] , "data_offsets":[ 0 , 1 ] } }`, 1),
      1,
    ],
    ['rank 0', file(`{"a":${entry('F32', '[]', '[0,4]')}}`, 4), 1],
    ['rank 8', file(`{"a":${entry('F32', '[1,1,1,1,1,1,1,1]', '[0,4]')}}`, 4), 1],
    ['zero size', file(`{"a":${entry('F32', '[0]', '[0,0]')},"b":${entry('F32', '[3,0]', '[0,0]')}}`), 2],
    ['zero size first, huge second', file(`{"a":${entry('F32', '[0,9007199254740991]', '[0,0]')}}`), 1],
    ['two 4-bit elements', file(`{"a":${entry('F4', '[2]', '[0,1]')}}`, 1), 1],
    [
      'data not in header order',
      file(`{"b":${entry('U8', '[1]', '[1,2]')},"a":${entry('U8', '[1]', '[0,1]')}}`, 2),
      2,
    ],
    [
      'unaligned float',
      file(`{"b":${entry('U8', '[1]', '[0,1]')},"a":${entry('F32', '[1]', '[1,5]')}}`, 5),
      2,
    ],
    [
      'names of prototypes',
      file(`{"__proto__":${entry('U8', '[1]', '[0,1]')},"constructor":${entry('U8', '[1]', '[1,2]')}}`, 2),
      2,
    ],
    ['surrogate pair by escapes', file(`{"\\ud83d\\ude00":${entry('U8', '[1]', '[0,1]')}}`, 1), 1],
  ];

  it.each(valid)('accepts: %s', async (_, bytes, count) => {
    const { tensors } = await readBytes(bytes);
    expect(tensors.size).toBe(count);
    for (const tensor of tensors.values()) {
      if (tensor.dtype === 'F32') expect(tensor.toFloat32().length).toBe(tensor.data.length / 4);
    }
    expect('dtype' in {}).toBe(false);
  });
});
