import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ArgumentError, ArgumentRangeError, FileError } from '../errors.ts';
import type { ByteSource } from './byte_source.ts';

/** Bytes asked for in one read: large enough for full speed, small enough to react to an abort at once. */
const readPiece = 4 << 20;

/** Checks a path given by the user. */
export function requirePath(op: string, path: unknown): asserts path is string {
  if (typeof path !== 'string')
    throw new ArgumentError(`${op}: expected a path (string), received ${typeof path}`);
  if (path === '' || path.includes('\0')) {
    throw new ArgumentRangeError(
      `${op}: expected a path, received ${path === '' ? "''" : 'a string with a NUL'}`,
    );
  }
}

/** Whether the operating system refused something. */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

/** Whether the operating system said that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return isSystemError(error) && 'code' in error && error.code === 'ENOENT';
}

/** Turns an error of the operating system into a {@link FileError}; any other error is returned as it is. */
export function asFileError(path: string, action: string, error: unknown): unknown {
  if (isSystemError(error)) {
    return new FileError(path, `cannot ${action}: ${error.message}`, { cause: error });
  }
  return error;
}

/**
 * A regular file open for reading. Links are followed; directories, FIFOs, sockets and devices are refused without
 * blocking on them. Reads are positional: there is no mapping that another process could pull away.
 */
export class RegularFile implements ByteSource {
  readonly path: string;
  /** Size in bytes when the file was opened. */
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #modified: bigint;

  private constructor(path: string, handle: FileHandle, size: number, modified: bigint) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
    this.#modified = modified;
  }

  static async open(path: string): Promise<RegularFile> {
    let handle: FileHandle;
    try {
      // O_NONBLOCK: opening a FIFO without a writer returns instead of waiting.
      handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw asFileError(path, 'open', error);
    }
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile()) {
        const kind = stat.isDirectory() ? 'a directory' : stat.isFIFO() ? 'a FIFO' : 'a device or socket';
        throw new FileError(path, `expected a regular file, found ${kind}`);
      }
      return new RegularFile(path, handle, Number(stat.size), stat.mtimeNs);
    } catch (error) {
      await handle.close();
      throw asFileError(path, 'inspect', error);
    }
  }

  /** Fills `target` with the bytes at `position`; fails if the file ends before. */
  async read(target: Uint8Array, position: number, signal?: AbortSignal): Promise<void> {
    let done = 0;
    while (done < target.byteLength) {
      signal?.throwIfAborted();
      const length = Math.min(readPiece, target.byteLength - done);
      const bytesRead = await this.#readOnce(target, done, length, position + done);
      if (bytesRead === 0) {
        throw new FileError(
          this.path,
          `expected ${this.size} bytes, the file ended at byte ${position + done} while it was read`,
        );
      }
      done += bytesRead;
    }
  }

  /** The whole content in pieces of at most `size` bytes, each in memory of its own. */
  async *pieces(size: number): AsyncGenerator<Uint8Array> {
    for (let position = 0; position < this.size; position += size) {
      const piece = new Uint8Array(Math.min(size, this.size - position));
      await this.read(piece, position);
      yield piece;
    }
  }

  /** Fails if the file was written to since it was opened, so that a mixture of two versions is not believed. */
  async requireUnchanged(): Promise<void> {
    const stat = await this.#handle.stat({ bigint: true }).catch((error: unknown) => {
      throw asFileError(this.path, 'inspect', error);
    });
    if (Number(stat.size) !== this.size || stat.mtimeNs !== this.#modified) {
      throw new FileError(this.path, 'the file changed while it was read');
    }
  }

  /** Closes the file; an error here is ignored, as everything has been read. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  async #readOnce(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    try {
      return (await this.#handle.read(target, offset, length, position)).bytesRead;
    } catch (error) {
      throw asFileError(this.path, 'read', error);
    }
  }
}
