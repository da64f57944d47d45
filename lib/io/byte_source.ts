import { FileError } from '../errors.ts';

/** Bytes that can be read at any position: an open file, or memory. */
export interface ByteSource {
  /** What error messages call it. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** Fills `target` with the bytes at `position`; fails if they end before. */
  read(target: Uint8Array, position: number, signal?: AbortSignal): Promise<void>;
  /** Fails if the content may have changed since it was opened. */
  requireUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** Bytes in memory, read as if they were a file. */
export class MemorySource implements ByteSource {
  readonly path: string;
  readonly size: number;
  readonly #bytes: Uint8Array;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.size = bytes.byteLength;
    this.#bytes = bytes;
  }

  async read(target: Uint8Array, position: number): Promise<void> {
    if (position + target.byteLength > this.size) {
      throw new FileError(this.path, `expected bytes up to ${position + target.byteLength} of ${this.size}`);
    }
    target.set(this.#bytes.subarray(position, position + target.byteLength));
  }

  async requireUnchanged(): Promise<void> {}

  async close(): Promise<void> {}
}

/** The bytes from `begin` to `end` in memory of their own. */
export async function readRange(
  source: ByteSource,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - begin);
  await source.read(bytes, begin, signal);
  return bytes;
}
