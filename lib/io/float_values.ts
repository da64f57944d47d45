/** Floating-point values of a file as float32. */
import type { DType } from './dtype.ts';

/** Types that become float32: `F32` and `F16`, `BF16` exactly, `F64` rounded to nearest. */
export type FloatType = Extract<DType, 'F16' | 'BF16' | 'F32' | 'F64'>;

const widths: ReadonlyMap<DType, number> = new Map([
  ['F16', 2],
  ['BF16', 2],
  ['F32', 4],
  ['F64', 8],
]);

export const isFloatType = (dtype: DType): dtype is FloatType => widths.has(dtype);

/** Bytes of an element. */
export const elementBytes = (dtype: FloatType): number => widths.get(dtype)!;

/**
 * Converts elements to float32; `F32` keeps every bit, NaN payloads too.
 *
 * @param bytes little-endian, beginning at a multiple of 8 in its buffer
 * @param target as many elements as `bytes` holds
 */
export function toFloat32(dtype: FloatType, bytes: Uint8Array, target: Float32Array): void {
  const { buffer, byteOffset } = bytes;
  const count = target.length;
  switch (dtype) {
    case 'F32':
      new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes);
      return;
    case 'F64':
      target.set(new Float64Array(buffer, byteOffset, count));
      return;
    case 'F16':
      fromFloat16(new Uint16Array(buffer, byteOffset, count), target);
      return;
    case 'BF16':
      fromBfloat16(new Uint16Array(buffer, byteOffset, count), target);
  }
}

const bitsOf = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

function fromBfloat16(words: Uint16Array, target: Float32Array): void {
  const bits = bitsOf(target);
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
}

function fromFloat16(words: Uint16Array, target: Float32Array): void {
  const bits = bitsOf(target);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const sign = (word & 0x8000) << 16;
    const exponent = (word >> 10) & 0x1f;
    const fraction = word & 0x3ff;
    if (exponent === 0) {
      // Zero or subnormal: a multiple of 2^-24.
      target[i] = (sign === 0 ? fraction : -fraction) * 2 ** -24;
    } else if (exponent === 0x1f) {
      bits[i] = sign | 0x7f800000 | (fraction << 13);
    } else {
      bits[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    }
  }
}
