import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ArgumentRangeError, FileError } from '../errors.ts';
import { RegularFile, requirePath } from '../io/regular_file.ts';
import { requireOptions } from './check.ts';

/** An array of unsigned bytes from an IDX file, row-major. */
export interface IdxArray {
  /** Sizes of the dimensions; the first counts the records. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Options of {@link readIdx}. */
export interface ReadIdxOptions {
  /** Largest file and largest content that is read, in bytes; default 1 GiB. */
  readonly maxBytes?: number;
}

const readPiece = 1 << 20;
/** No deflate stream grows more than this. */
const maxInflation = 1032;
const maxRank = 4;

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST and its relatives, plain or compressed by gzip. The
 * sizes in its header must match the content to the byte, and no memory is taken for a content that the file
 * cannot hold.
 *
 * @throws FileError naming the field or record if the file is damaged, too large or of another format
 */
export async function readIdx(path: string, options: ReadIdxOptions = {}): Promise<IdxArray> {
  requirePath('readIdx', path);
  requireOptions('readIdx', options);
  const { maxBytes = 2 ** 30 } = options;
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) {
    throw new ArgumentRangeError(`readIdx: maxBytes: expected a size in bytes, received ${String(maxBytes)}`);
  }
  const file = await RegularFile.open(path);
  try {
    if (file.size > maxBytes) {
      throw new FileError(path, `expected at most ${maxBytes} bytes, the file has ${file.size}`);
    }
    const magic = new Uint8Array(Math.min(2, file.size));
    await file.read(magic, 0);
    const compressed = magic[0] === 0x1f && magic[1] === 0x8b;
    return compressed ? await readCompressed(file, maxBytes) : await readPlain(file);
  } finally {
    await file.close();
  }
}

async function readPlain(file: RegularFile): Promise<IdxArray> {
  const reader = new IdxReader(file.path, (total, detail) => {
    if (total !== file.size) {
      throw new FileError(file.path, `expected ${total} bytes (${detail}), the file has ${file.size}`);
    }
  });
  for await (const piece of file.pieces(readPiece)) reader.push(piece);
  await file.requireUnchanged();
  return reader.finish();
}

async function readCompressed(file: RegularFile, maxBytes: number): Promise<IdxArray> {
  const possible = Math.min(maxBytes, file.size * maxInflation);
  const reader = new IdxReader(file.path, (total, detail) => {
    if (total > possible) {
      const reason =
        possible === maxBytes ? 'is the limit' : `is all that ${file.size} compressed bytes can hold`;
      throw new FileError(
        file.path,
        `expected at most ${possible} bytes, which ${reason}, received ${total} (${detail})`,
      );
    }
  });
  const gunzip = createGunzip({ chunkSize: readPiece >> 2 });
  try {
    await pipeline(file.pieces(readPiece), gunzip, async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) reader.push(chunk);
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw new FileError(file.path, `gzip data: ${error.message}, ${reader.position()}`, { cause: error });
    }
    throw error;
  }
  if (gunzip.bytesWritten !== file.size) {
    throw new FileError(
      file.path,
      `gzip data: expected to end at byte ${gunzip.bytesWritten}, the file has ${file.size}`,
    );
  }
  await file.requireUnchanged();
  return reader.finish();
}

/** Takes the bytes of an IDX file in pieces of any size and checks them on the way. */
class IdxReader {
  readonly #path: string;
  readonly #accept: (total: number, detail: string) => void;
  readonly #header = new Uint8Array(4 + 4 * maxRank);
  #received = 0;
  #shape: number[] | undefined;
  #headerBytes = 4;
  #data = new Uint8Array(0);

  /** @param accept throws if a file of `total` bytes cannot be true; called before memory is taken for it */
  constructor(path: string, accept: (total: number, detail: string) => void) {
    this.#path = path;
    this.#accept = accept;
  }

  push(piece: Uint8Array): void {
    let used = 0;
    while (this.#shape === undefined && used < piece.byteLength) {
      this.#header[this.#received++] = piece[used++]!;
      if (this.#received === 4) this.#readMagic();
      if (this.#received === this.#headerBytes) this.#readShape();
    }
    if (used === piece.byteLength) return;
    const rest = piece.subarray(used);
    const offset = this.#received - this.#headerBytes;
    if (offset + rest.byteLength > this.#data.byteLength) {
      throw new FileError(
        this.#path,
        `expected ${this.#data.byteLength} bytes after the header, received more`,
      );
    }
    this.#data.set(rest, offset);
    this.#received += rest.byteLength;
  }

  finish(): IdxArray {
    if (this.#shape === undefined || this.#received !== this.#headerBytes + this.#data.byteLength) {
      throw new FileError(this.#path, `the data ended early, ${this.position()}`);
    }
    return { shape: this.#shape, data: this.#data };
  }

  /** Where reading stands, in words. */
  position(): string {
    if (this.#shape === undefined) return `in the header at byte ${this.#received} of ${this.#headerBytes}`;
    const [records = 0] = this.#shape;
    const offset = this.#received - this.#headerBytes;
    const record = Math.floor(offset / Math.max(1, this.#data.byteLength / records));
    return `in record ${record} of ${records} (byte ${offset} of ${this.#data.byteLength})`;
  }

  #readMagic(): void {
    const [zero0, zero1, type, rank = 0] = this.#header;
    const magic = `0x${Buffer.from(this.#header.subarray(0, 4)).toString('hex')}`;
    if (zero0 !== 0 || zero1 !== 0 || type !== 0x08) {
      throw new FileError(
        this.#path,
        `magic number: expected 0x0000080n (unsigned bytes), received ${magic}`,
      );
    }
    if (rank < 1 || rank > maxRank) {
      throw new FileError(this.#path, `magic number: expected 1 to ${maxRank} dimensions, received ${rank}`);
    }
    this.#headerBytes = 4 + 4 * rank;
  }

  #readShape(): void {
    const view = new DataView(this.#header.buffer);
    const shape: number[] = [];
    for (let at = 4; at < this.#headerBytes; at += 4) shape.push(view.getUint32(at));
    const detail = `header of ${this.#headerBytes} and ${shape.join(' x ')}`;
    const bytes = shape.reduce((product, size) => product * size, 1);
    if (!Number.isSafeInteger(bytes)) {
      throw new FileError(this.#path, `sizes: expected less than 2^53 bytes, received ${shape.join(' x ')}`);
    }
    this.#accept(this.#headerBytes + bytes, detail);
    this.#data = new Uint8Array(bytes);
    this.#shape = shape;
  }
}
