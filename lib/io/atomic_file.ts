import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArgumentError, FileError } from '../errors.ts';
import { asFileError } from './regular_file.ts';

/** Bytes gathered before they are written: small tensors share a write, large ones leave the event loop free. */
const writePiece = 4 << 20;

/** Arrays with the sizes they had when writing began. */
type Content = readonly { readonly bytes: Uint8Array; readonly size: number }[];

/**
 * Writes a file so that its path shows either the old content or the whole new one, even after a crash: a temporary
 * file in the same folder (`<name>.tmp-<pid>-<random>`) is written, synced and renamed, then the folder is synced.
 * On failure the temporary file is removed and what was at `path` stays.
 *
 * A link at `path` is replaced, not followed; directories and devices are refused.
 *
 * @param chunks the content in order; they must not change until the promise settles
 * @throws FileError, ArgumentError if an array was detached meanwhile, or the signal's reason when aborted
 */
export async function writeFileAtomic(
  path: string,
  chunks: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const content = chunks.map((bytes) => ({ bytes, size: bytes.byteLength }));
  try {
    await requireReplaceable(path);
    // Opened first: a folder that cannot be synced is found before anything is changed.
    const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await writeAndRename(path, content, signal);
      await syncFolder(folder);
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw asFileError(path, 'write', error);
  }
}

async function requireReplaceable(path: string): Promise<void> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stat === undefined || stat.isFile() || stat.isSymbolicLink()) return;
  const kind = stat.isDirectory() ? 'a directory' : 'a device, FIFO or socket';
  throw new FileError(path, `expected a regular file or a free name to write to, found ${kind}`);
}

async function writeAndRename(
  path: string,
  content: Content,
  signal: AbortSignal | undefined,
): Promise<void> {
  // The name is cut so that the suffix never makes it too long for the file system.
  const name = `${basename(path).slice(0, 40)}.tmp-${process.pid}-${randomBytes(8).toString('hex')}`;
  const temporary = join(dirname(path), name);
  const handle = await open(temporary, 'wx');
  try {
    try {
      await writeContent(handle, path, content, signal);
      await handle.sync();
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function writeContent(
  handle: FileHandle,
  path: string,
  content: Content,
  signal: AbortSignal | undefined,
): Promise<void> {
  const gathered = new Uint8Array(writePiece);
  let used = 0;
  const flush = async () => {
    for (let done = 0; done < used; ) {
      signal?.throwIfAborted();
      const { bytesWritten } = await handle.write(gathered, done, used - done);
      if (bytesWritten === 0) throw new FileError(path, 'cannot write: the system took no more bytes');
      done += bytesWritten;
    }
    used = 0;
  };
  for (const { bytes, size } of content) {
    for (let done = 0; done < size; ) {
      if (bytes.byteLength !== size) {
        throw new ArgumentError(
          `${path}: expected arrays that stay as they are, one was detached or resized`,
        );
      }
      const part = bytes.subarray(done, done + gathered.byteLength - used);
      gathered.set(part, used);
      used += part.byteLength;
      done += part.byteLength;
      if (used === gathered.byteLength) await flush();
    }
  }
  await flush();
}

async function syncFolder(folder: FileHandle): Promise<void> {
  try {
    await folder.sync();
  } catch (error) {
    // Some file systems cannot sync a folder and answer EINVAL; their renames need no sync.
    if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL')) throw error;
  }
}
