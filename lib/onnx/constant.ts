/** Tensors of a file, checked against the bytes that they have before anything is read or allocated. */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { StoredTensor } from '../io/stored_tensor.ts';
import { sizeOf } from '../ir/graph.ts';
import { asProblem, FormatProblem } from './protobuf.ts';
import { dataTypes, type TensorMessage, tensorLocations } from './schema.ts';

/** A tensor whose values are known. */
export interface FloatConstant {
  readonly kind: 'floats';
  readonly name: string;
  readonly dims: readonly number[];
  /** The values, a view into the file where its bytes are aligned float32; called when the whole file is understood. */
  readonly load: () => Float32Array;
}

/** Whole numbers that say something about shapes: a single one, a list, or one that was given rows. */
export interface IntegerConstant {
  readonly kind: 'integers';
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

const MAX_RANK = 8;
/** Longest list of whole numbers; shapes, axes and sizes of splits are much shorter. */
const MAX_INTEGERS = 1024;

const byteSizes: ReadonlyMap<number, number> = new Map([
  [dataTypes.float, 4],
  [dataTypes.uint8, 1],
  [dataTypes.int8, 1],
  [dataTypes.int32, 4],
  [dataTypes.int64, 8],
  [dataTypes.bool, 1],
  [dataTypes.float16, 2],
  [dataTypes.double, 8],
  [dataTypes.bfloat16, 2],
]);

const problem = (text: string): never => {
  throw new FormatProblem('', text);
};

function checkDims(dims: readonly number[]): number {
  if (dims.length > MAX_RANK) problem(`dims: expected at most ${MAX_RANK} dimensions, found ${dims.length}`);
  if (!dims.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    problem(`dims: expected whole numbers, found [${dims.join(', ')}]`);
  }
  const count = sizeOf(dims);
  if (!Number.isSafeInteger(count))
    problem(`dims: expected fewer than 2^53 elements, found [${dims.join(', ')}]`);
  return count;
}

/** Bytes of an element. */
function widthOf(dataType: number): number {
  return byteSizes.get(dataType) ?? problem(`dataType: expected numbers, found type ${dataType}`);
}

/** Bytes that a tensor's values have to take. */
export const bytesOfDims = ({ dims, dataType = 0 }: TensorMessage): number =>
  checkDims(dims) * widthOf(dataType);

const sizeOfBlocks = (blocks: readonly Uint8Array[]): number =>
  blocks.reduce((sum, { byteLength }) => sum + byteLength, 0);

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  if (blocks.length === 1) return blocks[0]!;
  const all = new Uint8Array(sizeOfBlocks(blocks));
  let offset = 0;
  for (const block of blocks) {
    all.set(block, offset);
    offset += block.byteLength;
  }
  return all;
}

/** The little-endian bytes of a tensor whose type has a fixed width. */
function fixedBytes(tensor: TensorMessage, count: number, width: number): Uint8Array {
  const { rawData, floatData, dims } = tensor;
  const bytes = rawData ?? joined(floatData);
  if (bytes.byteLength !== count * width) {
    problem(
      `${rawData === undefined ? 'floatData' : 'rawData'}: expected ${count * width} bytes for [${dims.join(', ')}], found ${bytes.byteLength}`,
    );
  }
  return bytes;
}

function asFloats(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return new Float32Array(bytes.slice().buffer);
}

const storedTypes: ReadonlyMap<number, 'F16' | 'BF16' | 'F64'> = new Map([
  [dataTypes.float16, 'F16'],
  [dataTypes.bfloat16, 'BF16'],
  [dataTypes.double, 'F64'],
]);

/** Varints of int32 and int64 data. */
function varints(blocks: readonly Uint8Array[], count: number): number[] {
  const reader = new BinaryReader(joined(blocks));
  const values: number[] = [];
  while (reader.pos < reader.len) {
    if (values.length === count) problem(`expected ${count} numbers, found more`);
    try {
      values.push(Number(reader.int64()));
    } catch (error) {
      throw asProblem(error);
    }
  }
  return values;
}

function integers(tensor: TensorMessage, count: number, width: number): number[] {
  const { rawData, dataType } = tensor;
  if (rawData === undefined) {
    const values = varints(dataType === dataTypes.int64 ? tensor.int64Data : tensor.int32Data, count);
    if (values.length !== count) problem(`expected ${count} numbers, found ${values.length}`);
    return values;
  }
  if (rawData.byteLength !== count * width) {
    problem(`rawData: expected ${count * width} bytes for ${count} numbers, found ${rawData.byteLength}`);
  }
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: count }, (_, i) => {
    if (width === 8) return Number(view.getBigInt64(i * 8, true));
    if (width === 4) return view.getInt32(i * 4, true);
    return dataType === dataTypes.int8 ? view.getInt8(i) : view.getUint8(i);
  });
}

/**
 * What a tensor holds. Lists of whole numbers that are too long to say something about shapes stay unread.
 *
 * @throws FormatProblem naming the field
 */
export function readConstant(
  tensor: TensorMessage,
  name: string,
): FloatConstant | IntegerConstant | { readonly kind: 'unread' } {
  const {
    dims,
    dataType = 0,
    rawData,
    floatData,
    int32Data,
    int64Data,
    dataLocation = tensorLocations.here,
  } = tensor;
  const count = checkDims(dims);
  if (dataLocation !== tensorLocations.here || tensor.externalData.length > 0) {
    problem('expected the values in this file, found a reference to another one');
  }
  const width = widthOf(dataType);
  const places = [rawData === undefined ? 0 : 1, floatData.length, int32Data.length, int64Data.length];
  if (places.filter((n) => n > 0).length > 1) problem('expected values in one field, found them in several');
  if (dataType === dataTypes.float) {
    const bytes = fixedBytes(tensor, count, width);
    return { kind: 'floats', name, dims, load: () => asFloats(bytes) };
  }
  const stored = storedTypes.get(dataType);
  if (stored !== undefined) {
    if (rawData === undefined && count > 0)
      problem('rawData: expected it for values of this type, found none');
    const bytes = fixedBytes(tensor, count, width);
    return { kind: 'floats', name, dims, load: () => new StoredTensor(stored, dims, bytes).toFloat32() };
  }
  if (dims.length > 1 || count > MAX_INTEGERS) return { kind: 'unread' };
  return { kind: 'integers', name, dims, values: integers(tensor, count, width) };
}
