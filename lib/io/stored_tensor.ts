import { ArgumentError } from '../errors.ts';
import type { DType } from './dtype.ts';
import { elementBytes, isFloatType, toFloat32 } from './float_values.ts';

/** A tensor as a file holds it; {@link StoredTensor} is one. */
export interface TensorData {
  /** Element type. */
  readonly dtype: DType;
  /** Sizes of the dimensions, outermost first; `[]` is a single value. */
  readonly shape: readonly number[];
  /**
   * The values, row-major and little-endian: raw bytes (`Uint8Array`, `DataView`) for any type, or the typed array
   * of the element type, for instance a `Float32Array` for `F32`.
   */
  readonly data: ArrayBufferView;
}

/** A tensor read from a file. */
export class StoredTensor implements TensorData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The raw little-endian bytes. */
  readonly data: Uint8Array;

  constructor(dtype: DType, shape: readonly number[], data: Uint8Array) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /**
   * Converts `F32`, `F64`, `F16` or `BF16` values to float32, in a new array that shares no memory with the file.
   * `F32` keeps every bit (NaN payloads too), `F16` and `BF16` convert exactly, `F64` rounds to nearest.
   *
   * @throws ArgumentError if the tensor is of another type
   */
  toFloat32(): Float32Array<ArrayBuffer> {
    if (!isFloatType(this.dtype)) {
      throw new ArgumentError(
        `toFloat32: expected a tensor of F32, F64, F16 or BF16, received ${this.dtype}`,
      );
    }
    const copy = new Uint8Array(this.data.byteLength);
    copy.set(this.data);
    if (this.dtype === 'F32') return new Float32Array(copy.buffer);
    const values = new Float32Array(copy.byteLength / elementBytes(this.dtype));
    toFloat32(this.dtype, copy, values);
    return values;
  }
}
