import { ArgumentError, ArgumentRangeError, ShapeError } from '../errors.ts';
import { writeFileAtomic } from './atomic_file.ts';
import { type DType, isDType, maxRank, tensorBytes } from './dtype.ts';
import { quote } from './json_scanner.ts';
import { requirePath } from './regular_file.ts';
import {
  formatHeader,
  maxHeaderBytes,
  nameProblem,
  prefixBytes,
  sortForWriting,
  type TensorEntry,
} from './safetensors_header.ts';
import type { TensorData } from './stored_tensor.ts';

/** Options of {@link writeSafetensors} and {@link serializeSafetensors}. */
export interface WriteSafetensorsOptions {
  /** Text to store as `__metadata__`, in this order; default none. */
  readonly metadata?: Iterable<readonly [string, string]>;
  /** Stops writing, which leaves the old file; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Writes tensors to a safetensors file, which appears under `path` only when it is complete and on disk: a
 * temporary file in the same folder is written, synced and renamed. On failure the old file stays as it was. A
 * link at `path` is replaced.
 *
 * Tensors are ordered as by the Python package (wide types first, then by name) and aligned to their element, so
 * the same content gives the same bytes.
 *
 * @param tensors name and content of each, for instance a `Map`; the arrays must not change until the promise settles
 * @throws ArgumentError, ArgumentRangeError or ShapeError if a tensor cannot be stored, before anything is written;
 *   FileError if writing fails
 * @example
 * const weight = { dtype: 'F32', shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) } as const;
 * await writeSafetensors('model.safetensors', new Map([['fc.weight', weight]]), { metadata: [['format', 'pt']] });
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, TensorData]>,
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  requirePath('writeSafetensors', path);
  await writeFileAtomic(path, layOutSafetensors('writeSafetensors', tensors, options).chunks, options.signal);
}

/**
 * The bytes that {@link writeSafetensors} writes, in memory.
 *
 * @throws ArgumentError, ArgumentRangeError or ShapeError if a tensor cannot be stored
 */
export function serializeSafetensors(
  tensors: Iterable<readonly [string, TensorData]>,
  options: Pick<WriteSafetensorsOptions, 'metadata'> = {},
): Uint8Array {
  const { chunks, size } = layOutSafetensors('serializeSafetensors', tensors, options);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/**
 * The parts of a file in order, the header first, and their size together.
 *
 * @param op for messages: the function that was called
 */
export function layOutSafetensors(
  op: string,
  tensors: Iterable<readonly [string, TensorData]>,
  options: Pick<WriteSafetensorsOptions, 'metadata'>,
): { chunks: Uint8Array[]; size: number } {
  const metadata = checkMetadata(op, options.metadata ?? []);
  const checked = new Map<
    string,
    { name: string; dtype: DType; shape: readonly number[]; bytes: Uint8Array }
  >();
  if (typeof tensors !== 'object' || tensors === null || !(Symbol.iterator in tensors)) {
    throw new ArgumentError(
      `${op}: tensors: expected a Map or other iterable of entries, received ${typeof tensors}`,
    );
  }
  for (const [name, tensor] of tensors) {
    checkName(op, name);
    if (checked.has(name))
      throw new ArgumentRangeError(`${op}: expected unique names, received ${quote(name)} twice`);
    const bytes = checkTensor(op, name, tensor);
    checked.set(name, { name, dtype: tensor.dtype, shape: [...tensor.shape], bytes });
  }
  const entries: TensorEntry[] = [];
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const { name, dtype, shape, bytes } of sortForWriting([...checked.values()])) {
    entries.push({ name, dtype, shape, begin: offset, end: offset + bytes.byteLength });
    chunks.push(bytes);
    offset += bytes.byteLength;
  }
  const header = formatHeader(entries, metadata);
  if (header.byteLength - prefixBytes > maxHeaderBytes) {
    throw new ArgumentRangeError(
      `${op}: expected names and metadata that fit a header of ${maxHeaderBytes} bytes, received ${header.byteLength}`,
    );
  }
  return { chunks: [header, ...chunks], size: header.byteLength + offset };
}

function checkMetadata(op: string, metadata: Iterable<readonly [string, string]>): Map<string, string> {
  const checked = new Map<string, string>();
  for (const [key, value] of metadata) {
    if (typeof key !== 'string' || typeof value !== 'string') {
      throw new ArgumentError(
        `${op}: metadata: expected strings, received ${typeof key} and ${typeof value}`,
      );
    }
    if (checked.has(key))
      throw new ArgumentRangeError(`${op}: metadata: received the key ${quote(key)} twice`);
    if (isBroken(key) || isBroken(value)) {
      throw new ArgumentRangeError(
        `${op}: metadata ${quote(key)}: expected Unicode text, received an unpaired surrogate`,
      );
    }
    checked.set(key, value);
  }
  return checked;
}

function checkName(op: string, name: string): void {
  if (typeof name !== 'string')
    throw new ArgumentError(`${op}: expected a name (string), received ${typeof name}`);
  const problem = isBroken(name) ? 'has an unpaired surrogate' : nameProblem(name);
  if (problem !== undefined)
    throw new ArgumentRangeError(`${op}: tensor ${quote(name)}: the name ${problem}`);
}

/** An unpaired surrogate has no UTF-8 form. */
function isBroken(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/** Element types that a typed array can stand for; raw bytes stand for any. */
const arrayTypes = new Map<string, readonly DType[]>([
  ['Int8Array', ['I8']],
  ['Int16Array', ['I16']],
  ['Uint16Array', ['U16', 'F16', 'BF16']],
  ['Int32Array', ['I32']],
  ['Uint32Array', ['U32']],
  ['Float32Array', ['F32', 'C64']],
  ['Float64Array', ['F64']],
  ['BigInt64Array', ['I64']],
  ['BigUint64Array', ['U64']],
]);

function checkTensor(op: string, name: string, tensor: TensorData): Uint8Array {
  const label = `${op}: tensor ${quote(name)}`;
  if (typeof tensor !== 'object' || tensor === null) {
    throw new ArgumentError(`${label}: expected { dtype, shape, data }, received ${String(tensor)}`);
  }
  const { dtype, shape, data } = tensor;
  if (!isDType(dtype))
    throw new ArgumentRangeError(`${label}: expected a known dtype, received ${String(dtype)}`);
  if (
    !Array.isArray(shape) ||
    shape.length > maxRank ||
    !shape.every((n) => Number.isSafeInteger(n) && n >= 0)
  ) {
    throw new ShapeError(
      `${label}: expected a shape of at most ${maxRank} whole numbers, received [${String(shape)}]`,
    );
  }
  if (!ArrayBuffer.isView(data)) {
    throw new ArgumentError(`${label}: expected data in a typed array, received ${typeof data}`);
  }
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (arrayTypes.get(kind)?.includes(dtype) === false) {
    throw new ArgumentError(`${label}: expected bytes or an array of ${dtype}, received ${kind}`);
  }
  const bytes = tensorBytes(dtype, shape);
  if (bytes !== data.byteLength) {
    const expected = typeof bytes === 'string' ? `a storable shape (${bytes})` : `${bytes} bytes`;
    throw new ShapeError(
      `${label}: expected ${expected} for ${dtype} [${shape.join(', ')}], received ${data.byteLength} bytes`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
