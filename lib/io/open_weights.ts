import { ArgumentRangeError, FileError } from '../errors.ts';
import { type ByteSource, readRange } from './byte_source.ts';
import { quote } from './json_scanner.ts';
import { RegularFile, requirePath } from './regular_file.ts';
import { headerLength, parseHeader, prefixBytes } from './safetensors_header.ts';
import { openTorchStream, streamStart } from './torch_stream.ts';
import { openTorchZip } from './torch_zip.ts';
import { WeightFile } from './weight_file.ts';

/** Options of {@link openWeights}. */
export interface OpenWeightsOptions {
  /** Largest file that is opened, in bytes; default 4 GiB. */
  readonly maxBytes?: number;
  /** Stops opening; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Bytes from which a format is recognised. */
const SNIFF_BYTES = 262;

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');

/** Files that are often taken for weight files, by what they begin with (or have at a position). */
const strangers: readonly { at: number; start: Uint8Array; kind: string }[] = [
  {
    at: 0,
    start: text('version https://git-lfs'),
    kind: 'a Git LFS pointer instead of the file it points to',
  },
  { at: 0, start: text('<'), kind: 'HTML or XML; the download may have failed' },
  { at: 0, start: text('\x1f\x8b'), kind: 'a gzip archive; unpack it first' },
  { at: 0, start: text('\x89HDF'), kind: 'an HDF5 file, as Keras writes it' },
  { at: 257, start: text('ustar'), kind: 'a tar archive, as PyTorch before 0.1.10 wrote it' },
];

const startsWith = (bytes: Uint8Array, start: Uint8Array, at = 0): boolean =>
  bytes.byteLength >= at + start.byteLength && start.every((byte, i) => bytes[at + i] === byte);

async function openSafetensors(source: ByteSource, signal: AbortSignal | undefined): Promise<WeightFile> {
  const { path, size } = source;
  const length = headerLength(await readRange(source, 0, prefixBytes, signal), size, path);
  const start = prefixBytes + length;
  const { entries, metadata } = parseHeader(
    await readRange(source, prefixBytes, start, signal),
    size - start,
    path,
  );
  const placements = new Map(
    entries.map(({ name, dtype, shape, begin }) => [name, { dtype, shape, begin: start + begin }]),
  );
  return new WeightFile(source, 'safetensors', placements, { metadata });
}

/**
 * Opens a weight file by its content, whatever its name. The source is closed with the file that is returned, and stays
 * open when this fails.
 */
export async function openWeightSource(source: ByteSource, signal?: AbortSignal): Promise<WeightFile> {
  const start = await readRange(source, 0, Math.min(SNIFF_BYTES, source.size), signal);
  if (startsWith(start, text('PK\x03\x04')) || startsWith(start, text('PK\x05\x06'))) {
    return openTorchZip(source, signal);
  }
  if (startsWith(start, streamStart)) return openTorchStream(source, signal);
  if (start[prefixBytes] !== 0x7b) {
    const stranger = strangers.find((known) => startsWith(start, known.start, known.at));
    const begin = quote(Buffer.from(start.subarray(0, 12)).toString('latin1'));
    const found =
      start.byteLength === 0 ? 'an empty file' : (stranger?.kind ?? `a file that begins with ${begin}`);
    throw new FileError(
      source.path,
      `expected a safetensors file or a state dict saved by torch.save, received ${found}`,
    );
  }
  return openSafetensors(source, signal);
}

/**
 * Opens a weight file: safetensors, or a state dict that PyTorch saved (`.pth`, `.pt`, `.bin`; the zip format and the one
 * before it). The format is recognised by the content. What the file says of its tensors is checked to the byte; nothing
 * in it is executed, and a Python object other than tensors, containers and plain values is refused by name.
 *
 * @throws FileError naming the tensor or record if the file is damaged or of another kind
 * @example
 * const file = await openWeights('se_resnet50.pth');
 * try {
 *   for (const [name, { shape, dtype }] of file.tensors) console.log(name, dtype, shape);
 *   const weight = await file.tensors.get('fc.weight')?.toFloat32();
 * } finally {
 *   await file.close();
 * }
 */
export async function openWeights(path: string, options: OpenWeightsOptions = {}): Promise<WeightFile> {
  requirePath('openWeights', path);
  const { maxBytes = 2 ** 32, signal } = options;
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) {
    throw new ArgumentRangeError(
      `openWeights: maxBytes: expected a size in bytes, received ${String(maxBytes)}`,
    );
  }
  signal?.throwIfAborted();
  const source = await RegularFile.open(path);
  try {
    if (source.size > maxBytes) {
      throw new FileError(path, `expected at most ${maxBytes} bytes, the file has ${source.size}`);
    }
    return await openWeightSource(source, signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}
