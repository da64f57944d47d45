/**
 * The header of a safetensors file: eight bytes with its length N (little-endian), then N bytes of JSON that map
 * each tensor's name to `{"dtype", "shape", "data_offsets"}`, then the data the offsets count in. Checked more
 * strictly than the format's reference does: it must hold no duplicate and no unknown key, and no
 * name that is empty, very long or contains control characters.
 */
import { FileError } from '../errors.ts';
import { type DType, dtypeRank, isDType, maxRank, tensorBytes } from './dtype.ts';
import { JsonScanner, quote } from './json_scanner.ts';

/** Largest header that is read or written, in bytes: 16 MiB, room for more than 100,000 tensors. */
export const maxHeaderBytes = 16 << 20;
/** Longest tensor name, in UTF-16 units. */
export const maxNameLength = 1024;
/** Bytes before the JSON text. */
export const prefixBytes = 8;

/** What a header says about one tensor; `begin` and `end` count from the start of the data. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A header that passed every check; entries are sorted by `begin` and cover the data without gap or overlap. */
export interface Header {
  readonly entries: readonly TensorEntry[];
  readonly metadata: Map<string, string>;
}

/** Why a name cannot name a tensor, or undefined if it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name === '__metadata__') return 'is reserved';
  if (name.length > maxNameLength) return `is longer than ${maxNameLength} characters`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'contains a control character';
  return undefined;
}

/** Reads the header's length from the first eight bytes and checks it against the cap and the file's size. */
export function headerLength(prefix: Uint8Array, fileBytes: number, path: string): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw new FileError(path, `header length: expected at most ${maxHeaderBytes} bytes, received ${length}`);
  }
  const available = fileBytes - prefixBytes;
  if (length > BigInt(available)) {
    throw new FileError(
      path,
      `header length: expected at most the ${available} bytes left, received ${length}`,
    );
  }
  return Number(length);
}

/**
 * Parses and checks a header.
 *
 * @param json the header's bytes, without the length before them
 * @param dataBytes number of bytes that follow the header
 */
export function parseHeader(json: Uint8Array, dataBytes: number, path: string): Header {
  const header = new HeaderText(decode(json, path), path).read();
  header.entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  requireCover(header.entries, dataBytes, path);
  return header;
}

function decode(json: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch (error) {
    throw new FileError(path, 'header: expected UTF-8 text, received other bytes', { cause: error });
  }
}

/** Walks through a header's text. */
class HeaderText {
  readonly #path: string;
  readonly #scanner: JsonScanner;
  /** The tensor that is being read, for messages. */
  #tensor: string | undefined;

  constructor(text: string, path: string) {
    this.#path = path;
    this.#scanner = new JsonScanner(text, (index, message) => {
      const where = `header, byte ${prefixBytes + Buffer.byteLength(text.slice(0, index))}`;
      const tensor = this.#tensor === undefined ? '' : `tensor ${quote(this.#tensor)}: `;
      throw new FileError(path, `${where}: ${tensor}${message}`);
    });
  }

  read(): { entries: TensorEntry[]; metadata: Map<string, string> } {
    const scanner = this.#scanner;
    const metadata = new Map<string, string>();
    const entries: TensorEntry[] = [];
    scanner.object('header', (name) => {
      if (name === '__metadata__') {
        scanner.object(name, (key) => metadata.set(key, scanner.string(`__metadata__ ${quote(key)}`)));
        return;
      }
      this.#tensor = name;
      entries.push(this.#entry(name));
      this.#tensor = undefined;
    });
    scanner.end('header');
    return { entries, metadata };
  }

  #entry(name: string): TensorEntry {
    const problem = nameProblem(name);
    if (problem !== undefined) this.#fail(`the name ${problem}`);
    let dtype: DType | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.#scanner.object('entry', (key) => {
      if (key === 'dtype') dtype = this.#dtype();
      else if (key === 'shape') shape = this.#numbers(key, maxRank);
      else if (key === 'data_offsets') offsets = this.#numbers(key, 2);
      else this.#fail(`expected dtype, shape and data_offsets, received ${quote(key)}`);
    });
    if (dtype === undefined) return this.#fail('dtype: expected a type, received nothing');
    if (shape === undefined) return this.#fail('shape: expected an array, received nothing');
    if (offsets === undefined) return this.#fail('data_offsets: expected [begin, end], received nothing');
    return this.#checked(name, dtype, shape, offsets);
  }

  #checked(name: string, dtype: DType, shape: number[], offsets: number[]): TensorEntry {
    const [begin, end] = offsets;
    if (begin === undefined || end === undefined) {
      return this.#fail(`data_offsets: expected [begin, end], received [${offsets.join(', ')}]`);
    }
    if (begin > end) return this.#fail(`data_offsets: expected begin <= end, received [${begin}, ${end}]`);
    const bytes = tensorBytes(dtype, shape);
    if (typeof bytes === 'string') return this.#fail(`shape: ${bytes}`);
    if (bytes !== end - begin) {
      return this.#fail(
        `data_offsets: expected ${bytes} bytes for ${dtype} [${shape.join(', ')}], received ${end - begin} in [${begin}, ${end}]`,
      );
    }
    return { name, dtype, shape, begin, end };
  }

  #dtype(): DType {
    const dtype = this.#scanner.string('dtype');
    return isDType(dtype) ? dtype : this.#fail(`dtype: expected a known type, received ${quote(dtype)}`);
  }

  #numbers(field: string, limit: number): number[] {
    const numbers: number[] = [];
    this.#scanner.array(field, limit, (position) => numbers.push(this.#scanner.wholeNumber(field, position)));
    return numbers;
  }

  #fail(message: string): never {
    throw new FileError(this.#path, `tensor ${quote(this.#tensor ?? '')}: ${message}`);
  }
}

/** The tensors, sorted by offset, must cover the data exactly: no gap, no overlap, nothing before or after. */
function requireCover(entries: readonly TensorEntry[], dataBytes: number, path: string): void {
  let covered = 0;
  let before: string | undefined;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      const place = before === undefined ? 'the start of the data' : `tensor ${quote(before)}`;
      const kind = begin < covered ? 'an overlap' : 'a gap';
      throw new FileError(
        path,
        `tensor ${quote(name)}: data_offsets: expected to begin at ${covered}, after ${place}, received ${begin} (${kind})`,
      );
    }
    if (end > dataBytes) {
      throw new FileError(
        path,
        `tensor ${quote(name)}: data_offsets: expected to end within the ${dataBytes} bytes of data, received ${end}`,
      );
    }
    covered = end;
    before = name;
  }
  if (covered !== dataBytes) {
    throw new FileError(
      path,
      `data: expected ${covered} bytes, as many as the tensors take, received ${dataBytes}`,
    );
  }
}

/** Sorts tensors as the format's reference writer does: wide types first, then by the UTF-8 bytes of the name. */
export function sortForWriting<T extends { readonly name: string; readonly dtype: DType }>(
  tensors: T[],
): T[] {
  return tensors.sort(
    (a, b) =>
      dtypeRank(b.dtype) - dtypeRank(a.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
}

/**
 * Length and JSON text of a header, padded with spaces so that the data after it starts at a multiple of 8.
 *
 * @param entries in the order of their data
 */
export function formatHeader(
  entries: readonly TensorEntry[],
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const members = entries.map(
    ({ name, dtype, shape, begin, end }) =>
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`,
  );
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    members.unshift(`"__metadata__":{${pairs.join(',')}}`);
  }
  const json = Buffer.from(`{${members.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(prefixBytes + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, prefixBytes);
  return bytes;
}
