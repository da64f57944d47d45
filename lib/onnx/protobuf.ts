/**
 * Protobuf messages described by a table: field names, numbers and kinds in, typed objects and bytes out. The wire format
 * itself is @bufbuild/protobuf's business.
 *
 * A reader never trusts a length: messages and byte strings are views into the file, and what is kept beside it is
 * charged to a budget, so that no file makes it take more memory than its own size and the budget's.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** What is wrong with a file, and where in it: the path grows on the way out of the nested messages. */
export class FormatProblem extends Error {
  readonly where: string;

  constructor(where: string, problem: string) {
    super(problem);
    this.where = where;
  }

  /** The same problem inside of something larger. */
  within(outer: string): FormatProblem {
    const joint = this.where === '' || this.where.startsWith('[') ? '' : '.';
    return new FormatProblem(`${outer}${joint}${this.where}`, this.message);
  }
}

const fail = (problem: string): never => {
  throw new FormatProblem('', problem);
};

/** Memory that a file may make its reader take beside the file's own bytes. */
export class Budget {
  #left: number;

  constructor(bytes = 16 * 2 ** 20) {
    this.#left = bytes;
  }

  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0)
      fail('expected fewer fields, names and numbers; the file has too many to be a network');
  }
}

/** About what an object or an entry of a list takes. */
const ENTRY_BYTES = 64;
const NUMBER_BYTES = 8;
/** Longest text that is read, in bytes. */
const MAX_TEXT = 2 ** 16;

/** How a value is written and read. */
interface Kind<T> {
  readonly wire: WireType;
  read(reader: BinaryReader, budget: Budget): T;
  write(output: Output, value: T): void;
  /** The several values of a length-delimited block; only of numbers. */
  readPacked?(bytes: Uint8Array, budget: Budget): T[];
  writePacked?(output: Output, values: readonly T[]): void;
}

/** A field of a message; `many` fields are lists. */
export interface Field<T> {
  readonly number: number;
  /** Puts what is at the reader into the field's earlier content. */
  read(reader: BinaryReader, wire: WireType, budget: Budget, earlier: T): T;
  write(output: Output, value: T): void;
  readonly empty: T;
}

/** The fields of a message by name. */
export type Schema = Readonly<Record<string, Field<never> | Field<unknown>>>;

/** The object that stands for a message. */
export type MessageOf<S> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

/** Bytes that grow at their end; large pieces are kept as they are, not copied. */
export class Output {
  readonly #chunks: Uint8Array[] = [];
  #writer = new BinaryWriter();
  #flushed = 0;
  #pending = 0;

  tag(number: number, wire: WireType): BinaryWriter {
    this.#pending += 1;
    return this.#writer.tag(number, wire);
  }

  /** The writer of numbers. */
  get writer(): BinaryWriter {
    this.#pending += 1;
    return this.#writer;
  }

  raw(bytes: Uint8Array): void {
    if (bytes.byteLength < 4096) {
      this.writer.raw(bytes);
      return;
    }
    this.#flush();
    this.#chunks.push(bytes);
    this.#flushed += bytes.byteLength;
  }

  /** Everything so far, in order. */
  finish(): { chunks: readonly Uint8Array[]; size: number } {
    this.#flush();
    return { chunks: this.#chunks, size: this.#flushed };
  }

  #flush(): void {
    if (this.#pending === 0) return;
    const bytes = this.#writer.finish();
    this.#pending = 0;
    this.#chunks.push(bytes);
    this.#flushed += bytes.byteLength;
  }
}

const number = (
  wire: WireType,
  readOne: (reader: BinaryReader) => number,
  writeOne: (writer: BinaryWriter, value: number) => void,
): Kind<number> => ({
  wire,
  read: readOne,
  write: (output, value) => writeOne(output.writer, value),
  readPacked(bytes, budget) {
    const reader = new BinaryReader(bytes);
    const values: number[] = [];
    while (reader.pos < reader.len) {
      budget.take(NUMBER_BYTES);
      values.push(readOne(reader));
    }
    return values;
  },
  writePacked(output, values) {
    const writer = new BinaryWriter();
    for (const value of values) writeOne(writer, value);
    const bytes = writer.finish();
    output.writer.uint32(bytes.byteLength);
    output.raw(bytes);
  },
});

/** Whole numbers; those beyond 2^53 lose their last digits, which no field with a meaning has. */
export const int = number(
  WireType.Varint,
  (reader) => Number(reader.int64()),
  (writer, value) => writer.int64(value),
);

export const float = number(
  WireType.Bit32,
  (reader) => reader.float(),
  (writer, value) => writer.float(value),
);

export const text: Kind<string> = {
  wire: WireType.LengthDelimited,
  read(reader, budget) {
    const bytes = reader.bytes();
    if (bytes.byteLength > MAX_TEXT)
      fail(`expected a text of at most ${MAX_TEXT} bytes, found ${bytes.byteLength}`);
    budget.take(bytes.byteLength);
    return utf8.decode(bytes);
  },
  write: (output, value) => output.writer.string(value),
};
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as a view into the file. */
export const bytes: Kind<Uint8Array> = {
  wire: WireType.LengthDelimited,
  read: (reader) => reader.bytes(),
  write(output, value) {
    output.writer.uint32(value.byteLength);
    output.raw(value);
  },
};

/** A message inside of a message. */
export const message = <S extends Schema>(schema: S): Kind<MessageOf<S>> => ({
  wire: WireType.LengthDelimited,
  read: (reader, budget) => decode(schema, reader.bytes(), budget),
  write(output, value) {
    const { chunks, size } = encode(schema, value);
    output.writer.uint32(size);
    for (const chunk of chunks) output.raw(chunk);
  },
});

const expectWire = (wire: WireType, expected: WireType): void => {
  if (wire !== expected) fail(`expected wire type ${expected}, found ${wire}`);
};

/** A field that is there at most once. */
export const one = <T>(fieldNumber: number, kind: Kind<T>): Field<T | undefined> => ({
  number: fieldNumber,
  empty: undefined,
  read(reader, wire, budget, earlier) {
    expectWire(wire, kind.wire);
    if (earlier !== undefined) fail('expected one value, found a second');
    return kind.read(reader, budget);
  },
  write(output, value) {
    if (value === undefined) return;
    output.tag(fieldNumber, kind.wire);
    kind.write(output, value);
  },
});

/** A list; numbers are packed when written, and read either way. */
export const many = <T>(fieldNumber: number, kind: Kind<T>): Field<readonly T[]> => ({
  number: fieldNumber,
  empty: [],
  read(reader, wire, budget, earlier) {
    // The list is the decoder's own from its first entry on.
    const list = earlier.length === 0 ? [] : (earlier as T[]);
    if (kind.readPacked !== undefined && wire === WireType.LengthDelimited) {
      for (const value of kind.readPacked(reader.bytes(), budget)) list.push(value);
      return list;
    }
    expectWire(wire, kind.wire);
    try {
      list.push(kind.read(reader, budget));
    } catch (error) {
      throw asProblem(error).within(`[${list.length}]`);
    }
    return list;
  },
  write(output, values) {
    if (values.length === 0) return;
    if (kind.writePacked !== undefined) {
      output.tag(fieldNumber, WireType.LengthDelimited);
      kind.writePacked(output, values);
      return;
    }
    for (const value of values) {
      output.tag(fieldNumber, kind.wire);
      kind.write(output, value);
    }
  },
});

/** Packed numbers whose bytes are left where they are; each block or single number is a view into the file. */
export const blocks = (fieldNumber: number): Field<readonly Uint8Array[]> => ({
  number: fieldNumber,
  empty: [],
  read(reader, wire, _budget, earlier) {
    const list = earlier.length === 0 ? [] : (earlier as Uint8Array[]);
    list.push(wire === WireType.LengthDelimited ? reader.bytes() : reader.skip(wire));
    return list;
  },
  write(output, values) {
    for (const value of values) {
      output.tag(fieldNumber, WireType.LengthDelimited);
      bytes.write(output, value);
    }
  },
});

/** The library reports what it cannot read as errors of several classes. */
export function asProblem(error: unknown): FormatProblem {
  if (error instanceof FormatProblem) return error;
  return new FormatProblem('', `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
}

/**
 * Reads a message. Fields that the schema lacks are skipped.
 *
 * @throws FormatProblem
 */
export function decode<S extends Schema>(schema: S, source: Uint8Array, budget: Budget): MessageOf<S> {
  const fields = Object.entries(schema);
  const content = new Map<string, unknown>(fields.map(([name, { empty }]) => [name, empty]));
  const reader = new BinaryReader(source);
  budget.take(ENTRY_BYTES * 2);
  while (reader.pos < reader.len) {
    let where = '';
    try {
      const [fieldNumber, wire] = reader.tag();
      const entry = fields.find(([, field]) => field.number === fieldNumber);
      if (entry === undefined) {
        reader.skip(wire, fieldNumber);
        continue;
      }
      budget.take(ENTRY_BYTES);
      where = entry[0];
      const field = entry[1] as Field<unknown>;
      content.set(where, field.read(reader, wire, budget, content.get(where)));
    } catch (error) {
      const problem = asProblem(error);
      throw where === '' ? problem : problem.within(where);
    }
  }
  return Object.fromEntries(content) as MessageOf<S>;
}

/** Writes a message as pieces of bytes. */
export function encode<S extends Schema>(schema: S, value: MessageOf<S>) {
  const output = new Output();
  for (const [name, field] of Object.entries(schema)) {
    (field as Field<unknown>).write(output, value[name as keyof S]);
  }
  return output.finish();
}
