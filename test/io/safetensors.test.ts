import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError, ArgumentRangeError, FileError, OutOfMemoryError } from '../../lib/errors.ts';
import type { DType } from '../../lib/io/dtype.ts';
import { openWeights } from '../../lib/io/open_weights.ts';
import { serializeSafetensors, writeSafetensors } from '../../lib/io/safetensors_writer.ts';
import { StoredTensor, type TensorData } from '../../lib/io/stored_tensor.ts';
import { entry, file, seeded } from './build.ts';
import { interceptCalls } from './file_calls.ts';
import { readBytes, readFile } from './read_bytes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'senet-safetensors-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const float = (...values: number[]): TensorData => ({
  dtype: 'F32',
  shape: [values.length],
  data: new Float32Array(values),
});

describe('the format', () => {
  /** The header that the Python package 0.8.0 writes for zeros of two elements each, named as below. */
  const pythonHeader =
    '{"__metadata__":{"x":"y"},"ul":{"dtype":"U64","shape":[2],"data_offsets":[0,16]},"l":{"dtype":"I64","shape":[2],' +
    '"data_offsets":[16,32]},"d":{"dtype":"F64","shape":[2],"data_offsets":[32,48]},"c":{"dtype":"C64","shape":[2],' +
    '"data_offsets":[48,64]},"a":{"dtype":"F32","shape":[2],"data_offsets":[64,72]},"b":{"dtype":"F32","shape":[2],' +
    '"data_offsets":[72,80]},"ui":{"dtype":"U32","shape":[2],"data_offsets":[80,88]},"i":{"dtype":"I32","shape":[2],' +
    '"data_offsets":[88,96]},"h":{"dtype":"F16","shape":[2],"data_offsets":[96,100]},"us":{"dtype":"U16","shape":[2],' +
    '"data_offsets":[100,104]},"s":{"dtype":"I16","shape":[2],"data_offsets":[104,108]},"i8":{"dtype":"I8","shape":[2],' +
    '"data_offsets":[108,110]},"u8":{"dtype":"U8","shape":[2],"data_offsets":[110,112]},"bo":{"dtype":"BOOL",' +
    '"shape":[2],"data_offsets":[112,114]}}     ';

  it('is written byte for byte as by the Python package', async () => {
    const dtypes: [string, DType, number][] = [
      ['b', 'F32', 8],
      ['a', 'F32', 8],
      ['u8', 'U8', 2],
      ['i8', 'I8', 2],
      ['h', 'F16', 4],
      ['d', 'F64', 16],
      ['l', 'I64', 16],
      ['ul', 'U64', 16],
      ['ui', 'U32', 8],
      ['i', 'I32', 8],
      ['s', 'I16', 4],
      ['us', 'U16', 4],
      ['bo', 'BOOL', 2],
      ['c', 'C64', 16],
    ];
    const tensors = dtypes.map(([name, dtype, bytes]): [string, TensorData] => [
      name,
      { dtype, shape: [2], data: new Uint8Array(bytes) },
    ]);
    const expected = file(pythonHeader, 114);
    expect(Buffer.compare(serializeSafetensors(tensors, { metadata: [['x', 'y']] }), expected)).toBe(0);
    const { tensors: read, metadata } = await readBytes(expected);
    expect([...read.keys()].join()).toBe('ul,l,d,c,a,b,ui,i,h,us,s,i8,u8,bo');
    expect(metadata).toEqual(new Map([['x', 'y']]));
  });

  it('is read from bytes made by hand', async () => {
    const bytes = Buffer.from(
      '38000000000000007b2277223a7b226474797065223a22463332222c227368617065223a5b322c315d2c22646174615f6f666673657473223a' +
        '5b302c385d7d7d20202020200000c03f000000c0',
      'hex',
    );
    bytes.writeBigUInt64LE(BigInt(bytes.length - 16));
    const tensor = (await readBytes(bytes)).tensors.get('w')!;
    expect(tensor.dtype).toBe('F32');
    expect(tensor.shape).toEqual([2, 1]);
    expect([...tensor.toFloat32()]).toEqual([1.5, -2]);
  });

  it('sorts names by their UTF-8 bytes, not by UTF-16 units', async () => {
    const bytes = serializeSafetensors([
      ['\u{1f600}', float(1)],
      ['\uffee', float(2)],
      ['b', float(3)],
      ['B', float(4)],
    ]);
    expect([...(await readBytes(bytes)).tensors.keys()]).toEqual(['B', 'b', '\uffee', '\u{1f600}']);
  });

  it('pads the header so that the data are aligned', () => {
    for (let length = 1; length < 20; length++) {
      const bytes = serializeSafetensors([['n'.repeat(length), float(1)]]);
      expect((bytes.length - 4) % 8).toBe(0);
    }
  });
});

describe('round trips', () => {
  it('500 random models: save, load, save gives the same bytes', { timeout: 30_000 }, async () => {
    const random = seeded(7);
    const whole = (limit: number) => Math.floor(random() * limit);
    const sizes: [DType, number][] = [
      ['F32', 4],
      ['F64', 8],
      ['F16', 2],
      ['BF16', 2],
      ['I64', 8],
      ['I32', 4],
      ['U8', 1],
      ['BOOL', 1],
    ];
    for (let model = 0; model < 500; model++) {
      const tensors = new Map<string, TensorData>();
      for (let i = whole(8); i > 0; i--) {
        const [dtype, width] = sizes[whole(sizes.length)]!;
        const shape = Array.from({ length: whole(5) }, () => whole(4));
        const data = new Uint8Array(width * shape.reduce((product, size) => product * size, 1));
        for (let at = 0; at < data.length; at++) data[at] = whole(256);
        tensors.set(['layer', 'é"\\', '__proto__', '\u{1f600}'][whole(4)]! + whole(100), {
          dtype,
          shape,
          data,
        });
      }
      const metadata = new Map(Array.from({ length: whole(3) }, (_, i) => [`key ${i}\n`, `${random()}`]));
      const first = serializeSafetensors(tensors, { metadata });
      const read = await readBytes(first);
      expect(read.metadata).toEqual(metadata);
      expect(read.tensors.size).toBe(tensors.size);
      for (const [name, { dtype, shape, data }] of read.tensors) {
        const original = tensors.get(name)!;
        expect([dtype, shape]).toEqual([original.dtype, original.shape]);
        expect(Buffer.compare(data, new Uint8Array(original.data.buffer))).toBe(0);
      }
      expect(Buffer.compare(serializeSafetensors(read.tensors, { metadata: read.metadata }), first)).toBe(0);
    }
  });

  it('through a file keeps every bit, and the bytes of a second save are the same', async () => {
    const bits = new Uint32Array([
      0x7fc00001, 0xffa12345, 0x7f800000, 0xff800000, 0x80000000, 1, 0x807fffff, 0x3f800000,
    ]);
    const large = new Float32Array(3_000_000).map((_, i) => i);
    const tensors = new Map<string, TensorData>([
      ['special', { dtype: 'F32', shape: [2, 2, 2], data: new Float32Array(bits.buffer) }],
      ['large', { dtype: 'F32', shape: [3, 1000, 1000], data: large }],
      ['scalar', { dtype: 'I64', shape: [], data: new BigInt64Array([-5n]) }],
      ['none', { dtype: 'F32', shape: [0, 7], data: new Float32Array(0) }],
    ]);
    const paths = [join(folder, 'first.safetensors'), join(folder, 'second.safetensors')] as const;
    await writeSafetensors(paths[0], tensors, { metadata: new Map([['format', 'pt']]) });
    const read = await readFile(paths[0]);
    expect([...read.tensors.keys()]).toEqual(['scalar', 'large', 'none', 'special']);
    const special = read.tensors.get('special')!.toFloat32();
    expect(new Uint32Array(special.buffer)).toEqual(bits);
    expect(Buffer.compare(Buffer.from(read.tensors.get('large')!.data), Buffer.from(large.buffer))).toBe(0);
    expect(read.tensors.get('none')!.shape).toEqual([0, 7]);
    await writeSafetensors(paths[1], read.tensors, { metadata: read.metadata });
    expect(Buffer.compare(readFileSync(paths[0]), readFileSync(paths[1]))).toBe(0);
    expect(readdirSync(folder).filter((name) => name.includes('.tmp-'))).toEqual([]);
  });
});

describe('toFloat32', () => {
  it('converts every F16 value exactly', () => {
    const words = new Uint16Array(65536).map((_, i) => i);
    const values = new StoredTensor('F16', [65536], new Uint8Array(words.buffer)).toFloat32();
    for (let word = 0; word < 65536; word++) {
      const exponent = (word >> 10) & 31;
      const fraction = word & 1023;
      const sign = word < 32768 ? 1 : -1;
      let expected =
        sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
      if (exponent === 31) expected = fraction === 0 ? sign * Infinity : NaN;
      if (!Object.is(values[word], expected))
        throw new Error(`${word}: expected ${expected}, received ${values[word]}`);
    }
  });

  it('converts BF16 and F64, and copies F32', () => {
    const brain = new Uint16Array([0x3fc0, 0x8000, 0xff80, 0x7fc0]);
    const tensor = new StoredTensor('BF16', [4], new Uint8Array(brain.buffer));
    expect([...tensor.toFloat32()]).toEqual([1.5, -0, -Infinity, NaN]);
    const double = new Float64Array([0.1, 1e300]);
    const rounded = new StoredTensor('F64', [2], new Uint8Array(double.buffer)).toFloat32();
    expect([...rounded]).toEqual([Math.fround(0.1), Infinity]);
    const single = new Float32Array([1, 2]);
    const copy = new StoredTensor('F32', [2], new Uint8Array(single.buffer)).toFloat32();
    copy[0] = 9;
    expect(single[0]).toBe(1);
  });

  it('refuses other types', () => {
    const tensor = new StoredTensor('I64', [], new Uint8Array(8));
    expect(() => tensor.toFloat32()).toThrow(ArgumentError);
    expect(() => tensor.toFloat32()).toThrow(
      'toFloat32: expected a tensor of F32, F64, F16 or BF16, received I64',
    );
  });
});

describe('reading', () => {
  it('refuses what is not a regular file, without waiting', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await expect(openWeights(fifo)).rejects.toThrow(/fifo: expected a regular file, found a FIFO/);
    await expect(openWeights(folder)).rejects.toThrow(/expected a regular file, found a directory/);
    await expect(openWeights('/dev/zero')).rejects.toThrow(/expected a regular file, found a device/);
    await expect(openWeights('/proc/self/mem')).rejects.toThrow(FileError);
    const missing = openWeights(join(folder, 'missing'));
    await expect(missing).rejects.toThrow(/missing: cannot open: ENOENT/);
    await expect(missing).rejects.toBeInstanceOf(FileError);
    await expect(openWeights(join(folder, 'n'.repeat(4097)))).rejects.toThrow(/ENAMETOOLONG/);
    const odd = join(folder, 'line\nbreak.safetensors');
    await writeSafetensors(odd, [['a', float(1)]]);
    expect((await readFile(odd)).tensors.size).toBe(1);
  });

  it('follows links', async () => {
    await writeSafetensors(join(folder, 'real'), [['a', float(1)]]);
    symlinkSync('real', join(folder, 'link'));
    expect((await readFile(join(folder, 'link'))).tensors.has('a')).toBe(true);
  });

  it('obeys maxBytes before anything else', async () => {
    const path = join(folder, 'limited');
    writeFileSync(path, 'not a safetensors file');
    await expect(openWeights(path, { maxBytes: 21 })).rejects.toThrow(
      'expected at most 21 bytes, the file has 22',
    );
    await expect(openWeights(path, { maxBytes: 22 })).rejects.toThrow(/a file that begins with 'not a/);
    await expect(openWeights(path, { maxBytes: NaN })).rejects.toBeInstanceOf(ArgumentRangeError);
  });

  it('reports data that no array can hold', async () => {
    const path = join(folder, 'sparse');
    const size = 2 ** 40;
    const header = file(`{"a":${entry('U8', `[${size}]`, `[0,${size}]`)}}`);
    writeFileSync(path, header);
    truncateSync(path, header.length + size);
    await expect(openWeights(path)).rejects.toThrow(`expected at most ${2 ** 32} bytes`);
    const reading = readFile(path, { maxBytes: Infinity });
    await expect(reading).rejects.toBeInstanceOf(OutOfMemoryError);
    await expect(reading).rejects.toThrow(`tensor 'a': cannot allocate ${size} bytes`);
  });

  it('stops when aborted', async () => {
    const path = join(folder, 'aborted');
    await writeSafetensors(path, [['a', { dtype: 'U8', shape: [20 << 20], data: new Uint8Array(20 << 20) }]]);
    await expect(openWeights(path, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    const controller = new AbortController();
    const reading = readFile(path, { signal: controller.signal });
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(reading).rejects.toThrow('enough');
  });

  it.each([(24 << 20) + 80, 5_000_000])(
    'notices a file that becomes one of %i bytes while it is read',
    async (length) => {
      const path = join(folder, 'changing');
      const size = 24 << 20;
      await writeSafetensors(path, [['a', { dtype: 'U8', shape: [size], data: new Uint8Array(size) }]]);
      utimesSync(path, 1, 1);
      const restore = await interceptCalls('read', ({ number }) => {
        // The first bytes, the length, the header, then pieces of the data.
        if (number === 5) writeFileSync(path, new Uint8Array(length));
      });
      const outcome = await readFile(path).catch((error: unknown) => error);
      restore();
      expect(outcome).toBeInstanceOf(FileError);
      expect(String(outcome)).toMatch(
        /the file changed while it was read|the file ended at byte 5000000 while it was read/,
      );
    },
  );

  it('reads a Buffer that starts inside a larger one', async () => {
    const bytes = file(`{"a":${entry('F32', '[1]', '[0,4]')}}`, new Uint8Array([0, 0, 128, 63]));
    const inside = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]).subarray(3, 3 + bytes.length);
    expect([...(await readBytes(inside)).tensors.get('a')!.toFloat32()]).toEqual([1]);
  });
});
