import { crc32 } from 'node:zlib';
import { ArgumentError, FileError, OutOfMemoryError } from '../errors.ts';
import { type ByteSource, readRange } from './byte_source.ts';
import { type DType, tensorBytes } from './dtype.ts';
import { elementBytes, isFloatType, toFloat32 } from './float_values.ts';
import { quote } from './json_scanner.ts';
import { StoredTensor } from './stored_tensor.ts';

/** Bytes converted or checked at once: large enough for full speed, small enough to leave the event loop free. */
const PIECE = 4 << 20;

/** A stretch of a file with a checksum over it. */
export interface Checksum {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  readonly crc32: number;
}

/** Where a tensor lies in a file. */
export interface Placement {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Byte of the first element. */
  readonly begin: number;
  /** Steps in elements for each dimension, where the elements do not lie one behind the other. */
  readonly strides?: readonly number[];
  readonly checksum?: Checksum;
}

/** A tensor in an open {@link WeightFile}; its values are read when they are asked for. */
export class WeightTensor {
  readonly name: string;
  /** Element type in the file. */
  readonly dtype: DType;
  /** Sizes of the dimensions, outermost first; `[]` is a single value. */
  readonly shape: readonly number[];
  /** Bytes that the elements take. */
  readonly byteLength: number;
  readonly #source: ByteSource;
  readonly #placement: Placement;
  readonly #checked: Set<Checksum>;

  /** @param checked stretches that were found right already; shared by the tensors of a file */
  constructor(name: string, source: ByteSource, placement: Placement, checked: Set<Checksum>) {
    this.name = name;
    this.dtype = placement.dtype;
    this.shape = placement.shape;
    this.byteLength = Number(tensorBytes(placement.dtype, placement.shape));
    this.#source = source;
    this.#placement = placement;
    this.#checked = checked;
  }

  /** Position of the first element in the file; reading in this order is fastest. */
  get position(): number {
    return this.#placement.begin;
  }

  /** Whether {@link toFloat32} can read it: `F32`, `F64`, `F16` or `BF16`. */
  get isFloat(): boolean {
    return isFloatType(this.dtype);
  }

  /**
   * The elements as the file has them, row-major, in memory of their own.
   *
   * @throws FileError for a damaged or changed file; OutOfMemoryError
   */
  async read(signal?: AbortSignal): Promise<StoredTensor> {
    const bytes = this.#allocate(this.byteLength);
    await this.#readBytes(bytes, signal);
    return new StoredTensor(this.dtype, this.shape, bytes);
  }

  /**
   * The values as float32, row-major, in memory of their own. `F32` keeps every bit, `F16` and `BF16` convert exactly,
   * `F64` rounds to nearest.
   *
   * @throws ArgumentError for a tensor of another type; FileError for a damaged or changed file; OutOfMemoryError
   */
  async toFloat32(signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
    const { dtype } = this;
    if (!isFloatType(dtype)) {
      throw new ArgumentError(
        `toFloat32: ${quote(this.name)}: expected a tensor of F32, F64, F16 or BF16, received ${dtype}`,
      );
    }
    const width = elementBytes(dtype);
    const values = new Float32Array(this.#allocate((this.byteLength / width) * 4).buffer);
    if (dtype === 'F32') {
      await this.#readBytes(new Uint8Array(values.buffer), signal);
    } else if (this.#placement.strides !== undefined) {
      toFloat32(dtype, (await this.read(signal)).data, values);
    } else {
      await this.#verify(signal);
      const piece = new Uint8Array(Math.min(PIECE, this.byteLength));
      for (let at = 0; at < this.byteLength; at += PIECE) {
        const bytes = piece.subarray(0, Math.min(PIECE, this.byteLength - at));
        await this.#source.read(bytes, this.#placement.begin + at, signal);
        toFloat32(dtype, bytes, values.subarray(at / width, (at + bytes.byteLength) / width));
      }
    }
    return values;
  }

  #allocate(size: number): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(size);
    } catch {
      throw new OutOfMemoryError(
        `${this.#source.path}: tensor ${quote(this.name)}: cannot allocate ${size} bytes`,
      );
    }
  }

  /** Fills memory with the elements in row-major order. */
  async #readBytes(target: Uint8Array<ArrayBuffer>, signal: AbortSignal | undefined): Promise<void> {
    const { begin, strides, checksum } = this.#placement;
    const whole =
      strides === undefined && checksum?.begin === begin && checksum.end === begin + target.byteLength;
    if (!whole) await this.#verify(signal);
    if (strides !== undefined) return this.#gather(target, strides, signal);
    let value = 0;
    for (let at = 0; at < target.byteLength; at += PIECE) {
      const piece = target.subarray(at, at + PIECE);
      await this.#source.read(piece, begin + at, signal);
      if (whole) value = crc32(piece, value);
    }
    if (whole) this.#compare(checksum, value);
  }

  /** Reads the stretch from first to last element, and picks the elements from it. */
  async #gather(
    target: Uint8Array<ArrayBuffer>,
    strides: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (target.byteLength === 0) return;
    const { shape } = this;
    const width = target.byteLength / shape.reduce((product, size) => product * size, 1);
    const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, 0);
    const { begin } = this.#placement;
    const bytes = await readRange(this.#source, begin, begin + (last + 1) * width, signal);
    const [from, to] = [asWords(bytes, width), asWords(target, width)];
    const words = Math.max(1, width / 4);
    const index = shape.map(() => 0);
    let element = 0;
    for (let i = 0; i < to.length; i += words) {
      for (let word = 0; word < words; word += 1) to[i + word] = from[element * words + word]!;
      for (let d = shape.length - 1; d >= 0; d -= 1) {
        index[d]! += 1;
        element += strides[d]!;
        if (index[d]! < shape[d]!) break;
        element -= index[d]! * strides[d]!;
        index[d] = 0;
      }
    }
  }

  /** Compares the checksum over all that the tensor is a part of, once. */
  async #verify(signal: AbortSignal | undefined): Promise<void> {
    const { checksum } = this.#placement;
    if (checksum === undefined || this.#checked.has(checksum)) return;
    let value = 0;
    for (let at = checksum.begin; at < checksum.end; at += PIECE) {
      value = crc32(await readRange(this.#source, at, Math.min(at + PIECE, checksum.end), signal), value);
    }
    this.#compare(checksum, value);
  }

  #compare(checksum: Checksum, value: number): void {
    if (value !== checksum.crc32) {
      throw new FileError(
        this.#source.path,
        `tensor ${quote(this.name)}: record ${quote(checksum.name)}: expected the checksum ${checksum.crc32}, received ${value}; the file is damaged`,
      );
    }
    this.#checked.add(checksum);
  }
}

/** The bytes of elements as words of at most 32 bits, to be moved. */
function asWords(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array | Uint16Array | Uint32Array {
  if (width === 1) return bytes;
  return width === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
}
