import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { asFileError } from './regular_file.ts';

/** A file that grows as something goes on. Its folder must be there. */
export class GrowingFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
  }

  /**
   * Opens a file, or makes it, for writing behind its first bytes; what follows them is cut off.
   *
   * @param keep bytes that stay; default 0
   * @throws FileError
   */
  static async open(path: string, keep = 0): Promise<GrowingFile> {
    try {
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
      try {
        const { size } = await handle.stat();
        // Cutting off more than there is would fill the file with zeros.
        if (size > keep) await handle.truncate(keep);
        return new GrowingFile(path, handle, Math.min(size, keep));
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      throw asFileError(path, 'open', error);
    }
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        const left = bytes.byteLength - done;
        const { bytesWritten } = await this.#handle.write(bytes, done, left, this.#size);
        done += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (error) {
      throw asFileError(this.path, 'write', error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
