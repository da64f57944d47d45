/**
 * The directory of a zip archive, as far as PyTorch's files need it: stored (never compressed) entries, sizes from the
 * central directory, zip64 where 32 bits are too few. Stricter than the format: nothing before the first entry and
 * nothing between the directory's parts, no entry twice, no entry on top of another. Nothing is ever extracted, so
 * names are looked up and never used as paths.
 */
import { FileError } from '../errors.ts';
import { type ByteSource, readRange } from './byte_source.ts';
import { quote } from './json_scanner.ts';

/** An entry of the archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes of the content. */
  readonly size: number;
  /** CRC-32 of the content; 0 where the writer left it out. */
  readonly crc32: number;
  /** Position of the local header. */
  readonly header: number;
  /** Where the next entry or the directory begins. */
  readonly limit: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;
const WIDE = 0xffffffff;
/** Most entries, and bytes of the directory, that are read; a large network has some thousand. */
const MAX_ENTRIES = 1 << 16;
const MAX_DIRECTORY_BYTES = 8 << 20;
/** A comment, which PyTorch never writes, may be this long. */
const MAX_COMMENT_BYTES = 0xffff;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the directory lies, and what it says of itself. */
interface Place {
  readonly begin: number;
  readonly end: number;
  readonly entries: number;
}

/** A 64-bit number, or Infinity where it is too large to be exact; no position in a file is. */
function wide(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
}

/** Finds the end record, from which everything else is found. */
async function findDirectory(source: ByteSource, signal: AbortSignal | undefined): Promise<Place> {
  const fail = (message: string): never => {
    throw new FileError(source.path, `zip: ${message}`);
  };
  const tailBytes = Math.min(source.size, END_BYTES + MAX_COMMENT_BYTES + LOCATOR64_BYTES);
  const tailAt = source.size - tailBytes;
  const view = viewOf(await readRange(source, tailAt, source.size, signal));
  let at = tailBytes - END_BYTES;
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === tailBytes)
  )
    at -= 1;
  if (at < 0) return fail('expected a directory at the end, found none; the file may be cut short');
  if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== 0) {
    return fail('expected an archive in one file, received one of several disks');
  }
  const locator = at - LOCATOR64_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR64) {
    const begin = view.getUint32(at + 16, true);
    const end = begin + view.getUint32(at + 12, true);
    if (end !== tailAt + at)
      return fail(`expected the directory to end at byte ${tailAt + at}, received byte ${end}`);
    return { begin, end, entries: view.getUint16(at + 10, true) };
  }
  const end64 = wide(view, locator + 8);
  if (end64 + END64_BYTES !== tailAt + locator)
    return fail(
      `zip64: expected its end record ${END64_BYTES} bytes before byte ${tailAt + locator}, received byte ${end64}`,
    );
  const record = viewOf(await readRange(source, end64, end64 + END64_BYTES, signal));
  if (record.getUint32(0, true) !== END64) return fail(`zip64: expected an end record at byte ${end64}`);
  const begin = wide(record, 48);
  const size = wide(record, 40);
  if (begin + size !== end64)
    return fail(
      `zip64: expected the directory to end at byte ${end64}, received ${size} bytes from byte ${begin}`,
    );
  return { begin, end: end64, entries: wide(record, 32) };
}

/** Sizes and position from the zip64 field, for those that say so. */
function widen(extra: DataView, values: number[]): boolean {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const kind = extra.getUint16(at, true);
    const end = at + 4 + extra.getUint16(at + 2, true);
    if (end > extra.byteLength) return false;
    if (kind === 1) {
      let next = at + 4;
      for (const [i, value] of values.entries()) {
        if (value !== WIDE) continue;
        if (next + 8 > end) return false;
        values[i] = wide(extra, next);
        next += 8;
      }
      return true;
    }
    at = end;
  }
  return !values.includes(WIDE);
}

/** Reads the entries of the central directory. */
class DirectoryReader {
  readonly #path: string;
  readonly #view: DataView;
  readonly #begin: number;
  #at = 0;

  constructor(path: string, bytes: Uint8Array, begin: number) {
    this.#path = path;
    this.#view = viewOf(bytes);
    this.#begin = begin;
  }

  get done(): boolean {
    return this.#at === this.#view.byteLength;
  }

  next(): Omit<ZipEntry, 'limit'> & { least: number } {
    const view = this.#view;
    const at = this.#at;
    if (at + CENTRAL_BYTES > view.byteLength || view.getUint32(at, true) !== CENTRAL) {
      return this.#fail(`expected an entry at byte ${this.#begin + at} of the directory`);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const end = at + CENTRAL_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (end > view.byteLength)
      return this.#fail(`expected the entry at byte ${this.#begin + at} to end within the directory`);
    const nameAt = view.byteOffset + at + CENTRAL_BYTES;
    const name = Buffer.from(view.buffer, nameAt, nameBytes).toString('utf8');
    const flags = view.getUint16(at + 8, true);
    if ((flags & 0x2041) !== 0) return this.#fail(`record ${quote(name)}: expected no encryption`);
    const method = view.getUint16(at + 10, true);
    if (method !== 0) {
      return this.#fail(
        `record ${quote(name)}: expected stored data, as PyTorch writes it, received compression method ${method}`,
      );
    }
    const extra = new DataView(view.buffer, nameAt + nameBytes, extraBytes);
    const values = [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ];
    if (!widen(extra, values))
      return this.#fail(`record ${quote(name)}: expected a zip64 field with its sizes`);
    const [size, stored, header] = values as [number, number, number];
    if (size !== stored) {
      return this.#fail(`record ${quote(name)}: expected ${size} stored bytes, received ${stored}`);
    }
    this.#at = end;
    const least = header + LOCAL_BYTES + nameBytes + size;
    return { name, size, crc32: view.getUint32(at + 16, true), header, least };
  }

  #fail(message: string): never {
    throw new FileError(this.#path, `zip: ${message}`);
  }
}

/** Reads and checks the directory: each entry by name. */
export async function readZipDirectory(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<Map<string, ZipEntry>> {
  const fail = (message: string): never => {
    throw new FileError(source.path, `zip: ${message}`);
  };
  const place = await findDirectory(source, signal);
  const size = place.end - place.begin;
  if (size > MAX_DIRECTORY_BYTES || place.entries > MAX_ENTRIES) {
    fail(
      `expected a directory of at most ${MAX_ENTRIES} entries and ${MAX_DIRECTORY_BYTES} bytes, received ${place.entries} and ${size}`,
    );
  }
  const reader = new DirectoryReader(
    source.path,
    await readRange(source, place.begin, place.end, signal),
    place.begin,
  );
  const found: ReturnType<DirectoryReader['next']>[] = [];
  while (!reader.done) found.push(reader.next());
  if (found.length !== place.entries) fail(`expected ${place.entries} entries, received ${found.length}`);
  found.sort((a, b) => a.header - b.header);
  if (found.length > 0 && found[0]!.header !== 0) fail('expected the first entry at the start of the file');
  const entries = new Map<string, ZipEntry>();
  for (const [i, { least, ...entry }] of found.entries()) {
    const limit = found[i + 1]?.header ?? place.begin;
    if (least > limit) {
      fail(
        `record ${quote(entry.name)}: expected to end before byte ${limit}, where the next one begins, received ${entry.size} bytes from byte ${entry.header}`,
      );
    }
    if (entries.has(entry.name)) fail(`expected each record once, received ${quote(entry.name)} twice`);
    entries.set(entry.name, { ...entry, limit });
  }
  return entries;
}

/** Position of an entry's content, after checking its local header. */
export async function contentOf(source: ByteSource, entry: ZipEntry, signal?: AbortSignal): Promise<number> {
  const name = Buffer.from(entry.name);
  const bytes = await readRange(source, entry.header, entry.header + LOCAL_BYTES + name.byteLength, signal);
  const view = viewOf(bytes);
  const begin = entry.header + bytes.byteLength + view.getUint16(28, true);
  const fits =
    view.getUint32(0, true) === LOCAL &&
    view.getUint16(8, true) === 0 &&
    view.getUint16(26, true) === name.byteLength &&
    name.equals(bytes.subarray(LOCAL_BYTES)) &&
    begin + entry.size <= entry.limit;
  if (!fits) {
    throw new FileError(
      source.path,
      `zip: record ${quote(entry.name)}: expected a header at byte ${entry.header} that agrees with the directory`,
    );
  }
  return begin;
}
