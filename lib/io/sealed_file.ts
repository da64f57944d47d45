/**
 * Safetensors files with a seal: the SHA-256 of all their other bytes stands in their metadata, so that no changed
 * bit goes unnoticed. Any reader of safetensors can read them.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { FileError } from '../errors.ts';
import { writeFileAtomic } from './atomic_file.ts';
import { openWeightSource } from './open_weights.ts';
import { RegularFile } from './regular_file.ts';
import { layOutSafetensors, type WriteSafetensorsOptions } from './safetensors_writer.ts';
import type { TensorData } from './stored_tensor.ts';
import type { WeightFile } from './weight_file.ts';

/** Name of the seal among the metadata, where it comes first: its place in the file is always the same. */
const SEAL = 'senet.sha256';
const SEAL_START = Buffer.from(`{"__metadata__":{"${SEAL}":"`);
/** Place of the seal's 64 hexadecimal digits. */
const SEAL_BEGIN = 8 + SEAL_START.byteLength;
const SEAL_END = SEAL_BEGIN + 64;
/** What the digits are while the sum is taken. */
const BLANK = '0'.repeat(64);

/** Bytes hashed before other work on the thread gets its turn: about a millisecond. */
const PIECE = 1 << 20;

/** The seal of a file's content, whose own digits count as zeros already. */
async function sealOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += PIECE) {
      signal?.throwIfAborted();
      hash.update(chunk.subarray(start, start + PIECE));
      await setImmediate();
    }
  }
  return hash.digest('hex');
}

/**
 * Writes a sealed file, atomically as `writeSafetensors` does.
 *
 * @throws ArgumentError, ArgumentRangeError or ShapeError if a tensor cannot be stored; FileError if writing fails
 */
export async function writeSealed(
  path: string,
  tensors: Iterable<readonly [string, TensorData]>,
  { metadata = [], signal }: WriteSafetensorsOptions,
): Promise<void> {
  const sealed = [[SEAL, BLANK] as const, ...metadata];
  const { chunks } = layOutSafetensors('writeSealed', tensors, { metadata: sealed });
  const seal = await sealOf(chunks, signal);
  chunks[0]!.set(Buffer.from(seal), SEAL_BEGIN);
  await writeFileAtomic(path, chunks, signal);
}

/**
 * Opens a sealed file, after it was read as a whole and found to be what was written.
 *
 * @throws FileError if it has no seal or another one than its content
 */
export async function openSealed(path: string, signal?: AbortSignal): Promise<WeightFile> {
  const source = await RegularFile.open(path);
  try {
    const found = await readSeal(source, signal);
    const expected = await sealOf(blanked(source), signal);
    if (found !== expected)
      throw new FileError(path, 'damaged: its content is not what its checksum was taken of');
    return await openWeightSource(source, signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readSeal(source: RegularFile, signal: AbortSignal | undefined): Promise<string> {
  const start = new Uint8Array(Math.min(SEAL_END, source.size));
  await source.read(start, 0, signal);
  const text = Buffer.from(start).subarray(8);
  if (start.byteLength < SEAL_END || !text.subarray(0, SEAL_START.byteLength).equals(SEAL_START))
    throw new FileError(source.path, 'expected a checkpoint of senet, found none of its checksums');
  return text.subarray(SEAL_START.byteLength).toString('latin1');
}

/** The content with zeros for the seal's digits. */
async function* blanked(source: RegularFile): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const piece of source.pieces(4 * PIECE)) {
    if (isFirst) piece.set(Buffer.from(BLANK), SEAL_BEGIN);
    isFirst = false;
    yield piece;
  }
}
