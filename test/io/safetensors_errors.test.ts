import { describe, expect, it } from 'vitest';
import { ArgumentError, ArgumentRangeError, ShapeError } from '../../lib/errors.ts';
import type { DType } from '../../lib/io/dtype.ts';
import { openWeights } from '../../lib/io/open_weights.ts';
import { serializeSafetensors, writeSafetensors } from '../../lib/io/safetensors_writer.ts';
import type { TensorData } from '../../lib/io/stored_tensor.ts';

const float = (...values: number[]): TensorData => ({
  dtype: 'F32',
  shape: [values.length],
  data: new Float32Array(values),
});

describe('wrong use', () => {
  const write = (tensors: Iterable<readonly [string, TensorData]>, metadata: [string, string][] = []) =>
    serializeSafetensors(tensors, { metadata });
  /** A value whose type the compiler takes for right. */
  const wrong = <T>(value: unknown): T => value as T;

  it.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    ['empty name', () => write([['', float(1)]]), ArgumentRangeError, /tensor '': the name is empty/],
    ['reserved name', () => write([['__metadata__', float(1)]]), ArgumentRangeError, /the name is reserved/],
    ['long name', () => write([['n'.repeat(1025), float(1)]]), ArgumentRangeError, /longer than 1024/],
    ['control character', () => write([['a\0', float(1)]]), ArgumentRangeError, /control character/],
    ['unpaired surrogate', () => write([['\ud800', float(1)]]), ArgumentRangeError, /unpaired surrogate/],
    [
      'same name twice',
      () =>
        write([
          ['a', float(1)],
          ['a', float(1)],
        ]),
      ArgumentRangeError,
      /'a' twice/,
    ],
    ['name not text', () => write([[wrong<string>(1), float(1)]]), ArgumentError, /expected a name/],
    [
      'tensor null',
      () => write([['a', wrong<TensorData>(null)]]),
      ArgumentError,
      /tensor 'a': expected \{ dtype/,
    ],
    [
      'unknown dtype',
      () => write([['a', { ...float(1), dtype: wrong<DType>('f32') }]]),
      ArgumentRangeError,
      /received f32/,
    ],
    ['negative shape', () => write([['a', { ...float(1), shape: [-1] }]]), ShapeError, /received \[-1\]/],
    [
      'rank 9',
      () => write([['a', { ...float(1), shape: Array<number>(9).fill(1) }]]),
      ShapeError,
      /at most 8/,
    ],
    [
      'no shape',
      () => write([['a', { ...float(1), shape: wrong<number[]>(undefined) }]]),
      ShapeError,
      /expected a shape/,
    ],
    [
      'wrong size',
      () => write([['a', { ...float(1), shape: [2] }]]),
      ShapeError,
      /expected 8 bytes for F32 \[2\], received 4/,
    ],
    ['huge shape', () => write([['a', { ...float(1), shape: [2 ** 52, 2] }]]), ShapeError, /2\^53-1 bits/],
    [
      'array of another type',
      () => write([['a', { ...float(1), data: new Int32Array(1) }]]),
      ArgumentError,
      /array of F32, received Int32Array/,
    ],
    [
      'plain array',
      () => write([['a', { ...float(1), data: wrong<Float32Array>([1]) }]]),
      ArgumentError,
      /typed array, received object/,
    ],
    ['not iterable', () => write(wrong<[]>({})), ArgumentError, /expected a Map/],
    [
      'metadata twice',
      () =>
        write(
          [],
          [
            ['a', '1'],
            ['a', '2'],
          ],
        ),
      ArgumentRangeError,
      /'a' twice/,
    ],
    [
      'metadata number',
      () => write([], [['a', wrong<string>(1)]]),
      ArgumentError,
      /expected strings, received string and number/,
    ],
    ['metadata surrogate', () => write([], [['a', '\udfff']]), ArgumentRangeError, /unpaired surrogate/],
    [
      'header above the cap',
      () => write([], [['a', 'x'.repeat(17 << 20)]]),
      ArgumentRangeError,
      /16777216 bytes/,
    ],
  ])('%s', (_, call, kind, message) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  it.each([undefined, null, 1, '', 'a\0b', {}])('path %o', async (path) => {
    await expect(openWeights(wrong<string>(path))).rejects.toThrow(/openWeights: expected a path/);
    await expect(writeSafetensors(wrong<string>(path), [])).rejects.toThrow(
      /writeSafetensors: expected a path/,
    );
  });
});
