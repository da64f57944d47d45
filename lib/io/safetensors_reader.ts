import { setImmediate as pause } from 'node:timers/promises';
import { ArgumentError, ArgumentRangeError, FileError, OutOfMemoryError } from '../errors.ts';
import { quote } from './json_scanner.ts';
import { RegularFile, requirePath } from './regular_file.ts';
import { type Header, headerLength, parseHeader, prefixBytes, requirePrefix } from './safetensors_header.ts';
import { nonFiniteSearch, StoredTensor } from './stored_tensor.ts';

/** The content of a safetensors file. */
export interface SafetensorsFile {
  /** Tensors by name, in the order of their data. */
  readonly tensors: Map<string, StoredTensor>;
  /** The file's `__metadata__`; empty if it has none. */
  readonly metadata: Map<string, string>;
}

/** Options of {@link readSafetensors}. */
export interface ReadSafetensorsOptions {
  /** Largest file that is read, in bytes; default 4 GiB. */
  readonly maxBytes?: number;
  /** Refuse NaN and infinity in `F16`, `BF16`, `F32` and `F64` tensors; default false, since the format allows them. */
  readonly requireFinite?: boolean;
  /** Stops reading; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a safetensors file into memory, in pieces that leave the event loop free. The file's size and header are
 * checked before any memory is taken for the data: all offsets, shapes and types must agree with the file to the byte.
 *
 * @throws FileError naming the tensor or header field if the file is not a regular file, too large, damaged or
 *   changed while it was read; OutOfMemoryError if its data do not fit into memory
 * @example
 * const { tensors } = await readSafetensors('model.safetensors');
 * const weight = tensors.get('conv1.weight')?.toFloat32();
 */
export async function readSafetensors(
  path: string,
  options: ReadSafetensorsOptions = {},
): Promise<SafetensorsFile> {
  requirePath('readSafetensors', path);
  const { maxBytes = 2 ** 32, requireFinite = false, signal } = options;
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) {
    throw new ArgumentRangeError(
      `readSafetensors: maxBytes: expected a size in bytes, received ${String(maxBytes)}`,
    );
  }
  signal?.throwIfAborted();
  const file = await RegularFile.open(path);
  try {
    if (file.size > maxBytes) {
      throw new FileError(path, `expected at most ${maxBytes} bytes, the file has ${file.size}`);
    }
    requirePrefix(file.size, path);
    const prefix = new Uint8Array(prefixBytes);
    await file.read(prefix, 0, signal);
    const json = new Uint8Array(headerLength(prefix, file.size, path));
    await file.read(json, prefixBytes, signal);
    const start = prefixBytes + json.byteLength;
    const header = parseHeader(json, file.size - start, path);
    const data = allocate(file.size - start, path);
    await file.read(data, start, signal);
    await file.requireUnchanged();
    const content = assemble(header, data);
    if (requireFinite) await requireFiniteTensors(content, path, signal);
    return content;
  } finally {
    await file.close();
  }
}

/**
 * Reads safetensors from memory, with the checks of {@link readSafetensors}. The tensors are views into `bytes`.
 *
 * @param label what error messages call the file
 * @throws FileError naming the tensor or header field
 */
export function parseSafetensors(bytes: Uint8Array, label = 'safetensors'): SafetensorsFile {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentError(`parseSafetensors: expected bytes (Uint8Array), received ${typeof bytes}`);
  }
  requirePrefix(bytes.byteLength, label);
  const start = prefixBytes + headerLength(bytes, bytes.byteLength, label);
  // A plain Uint8Array even when a Buffer was given, whose slice() would share memory.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
  return assemble(parseHeader(bytes.slice(prefixBytes, start), data.byteLength, label), data);
}

function allocate(size: number, path: string): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    throw new OutOfMemoryError(`${path}: cannot allocate ${size} bytes for its tensors`);
  }
}

function assemble({ entries, metadata }: Header, data: Uint8Array): SafetensorsFile {
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, new StoredTensor(dtype, shape, data.subarray(begin, end)));
  }
  return { tensors, metadata };
}

async function requireFiniteTensors(
  { tensors }: SafetensorsFile,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [name, tensor] of tensors) {
    const search = nonFiniteSearch(tensor);
    let step = search.next();
    while (!step.done) {
      signal?.throwIfAborted();
      await pause();
      step = search.next();
    }
    if (step.value >= 0) {
      throw new FileError(
        path,
        `tensor ${quote(name)}: expected finite values, element ${step.value} is not`,
      );
    }
  }
}
