/**
 * A reader for the pickles in PyTorch's files: the opcodes of protocol 2 that pickling tensors, containers and plain
 * values needs. It builds plain data and runs nothing: names of Python objects are looked up in the caller's list, and
 * what is not on it is refused.
 *
 * Nesting costs no recursion, and what the values may take is counted before they are made, so a small file cannot ask
 * for much memory.
 */
import { quote } from './json_scanner.ts';

/** A Python tuple. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A Python list. */
export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A Python dict or OrderedDict, in order. */
export class PickleDict {
  #entries: Map<PickleKey, PickleValue> | undefined;

  get entries(): ReadonlyMap<PickleKey, PickleValue> {
    return this.#entries ?? new Map();
  }

  set(key: PickleKey, value: PickleValue): void {
    this.#entries ??= new Map();
    this.#entries.set(key, value);
  }
}

/** What a name on the caller's list stands for. */
export class PickleGlobal {
  readonly name: string;
  /** Makes the object for the arguments, or says what is wrong with them; absent for names that are not called. */
  readonly call: ((args: readonly PickleValue[]) => PickleValue | PickleProblem) | undefined;

  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue | PickleProblem) {
    this.name = name;
    this.call = call;
  }
}

/** What is wrong with something, as the end of an error message. */
export class PickleProblem {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Any value; objects are those of this file and those the caller makes. */
export type PickleValue = null | boolean | number | bigint | string | object;
/** What may be a key of a dict here. */
export type PickleKey = null | boolean | number | bigint | string;

/** What the caller decides. */
export interface PickleContext {
  /** The object a Python name stands for, or undefined if it is not allowed. */
  find(name: string): PickleGlobal | undefined;
  /** The object behind a persistent id. */
  persistent(id: PickleValue): PickleValue | PickleProblem;
  /** Throws the caller's error for a problem at a byte of the pickle. */
  fail(offset: number, message: string): never;
  /** Throws when the bytes end within the pickle. */
  ended(offset: number): never;
}

/** Longest pickle that is read, in bytes. */
export const maxPickleBytes = 16 << 20;
/** Memory that the values of a pickle may take, by a rough count. A checkpoint of a large network takes 4 MB. */
const maxPickleMemory = 12 << 20;
const OBJECT_BYTES = 64;
const SLOT_BYTES = 8;
const ENTRY_BYTES = 48;
/** Longest decimal of a LONG1 that is kept: PyTorch's magic number has 10 bytes. */
const MAX_INTEGER_BYTES = 16;

const MARK = Symbol('mark');

/** One reading of one pickle. */
class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #context: PickleContext;
  readonly #stack: (PickleValue | typeof MARK)[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #at: number;
  #opcodeAt: number;
  #memory = 0;

  constructor(bytes: Uint8Array, start: number, context: PickleContext) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#context = context;
    this.#at = start;
    this.#opcodeAt = start;
  }

  read(): { value: PickleValue; end: number } {
    for (;;) {
      this.#opcodeAt = this.#at;
      const opcode = this.#view.getUint8(this.#take(1));
      if (opcode === 0x2e) return { value: this.#pop(), end: this.#at };
      if (!this.#scalar(opcode) && !this.#container(opcode) && !this.#object(opcode)) {
        const shown = `0x${opcode.toString(16).padStart(2, '0')}`;
        this.#fail(`expected an opcode of pickle protocol 2, received ${shown}`);
      }
    }
  }

  /** Opcodes that push a plain value, or that concern the memo. */
  #scalar(opcode: number): boolean {
    const view = this.#view;
    switch (opcode) {
      case 0x80: // PROTO
        return this.#protocol(view.getUint8(this.#take(1)));
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(view.getUint8(this.#take(1)));
      case 0x4d: // BININT2
        return this.#push(view.getUint16(this.#take(2), true));
      case 0x4a: // BININT
        return this.#push(view.getInt32(this.#take(4), true));
      case 0x8a: // LONG1
        return this.#push(this.#long(view.getUint8(this.#take(1))));
      case 0x47: // BINFLOAT
        return this.#push(view.getFloat64(this.#take(8), false));
      case 0x58: // BINUNICODE
        return this.#push(this.#text(view.getUint32(this.#take(4), true)));
      case 0x54: // BINSTRING, of Python 2
        return this.#push(this.#text(view.getUint32(this.#take(4), true)));
      case 0x55: // SHORT_BINSTRING
        return this.#push(this.#text(view.getUint8(this.#take(1))));
      case 0x71: // BINPUT
        return this.#remember(view.getUint8(this.#take(1)));
      case 0x72: // LONG_BINPUT
        return this.#remember(view.getUint32(this.#take(4), true));
      case 0x68: // BINGET
        return this.#recall(view.getUint8(this.#take(1)));
      case 0x6a: // LONG_BINGET
        return this.#recall(view.getUint32(this.#take(4), true));
      default:
        return false;
    }
  }

  /** Opcodes that make or fill tuples, lists and dicts. */
  #container(opcode: number): boolean {
    switch (opcode) {
      case 0x28: // MARK
        this.#charge(SLOT_BYTES);
        this.#stack.push(MARK);
        return true;
      case 0x29: // EMPTY_TUPLE
        return this.#tuple([]);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#tuple(Array.from({ length: opcode - 0x84 }, () => this.#pop()).reverse());
      case 0x74: // TUPLE
        return this.#tuple(this.#popToMark());
      case 0x5d: // EMPTY_LIST
        this.#charge(OBJECT_BYTES);
        return this.#push(new PickleList());
      case 0x7d: // EMPTY_DICT
        this.#charge(OBJECT_BYTES);
        return this.#push(new PickleDict());
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
        return this.#append(this.#popToMark());
      case 0x73: // SETITEM
        return this.#setItems([this.#pop(), this.#pop()].reverse());
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark());
      default:
        return false;
    }
  }

  /** Opcodes that stand for Python objects. */
  #object(opcode: number): boolean {
    switch (opcode) {
      case 0x63: // GLOBAL
        return this.#push(this.#global());
      case 0x52: // REDUCE
        return this.#reduce();
      case 0x62: // BUILD
        return this.#build();
      case 0x51: // BINPERSID
        return this.#push(this.#known(this.#context.persistent(this.#pop())));
      default:
        return false;
    }
  }

  #protocol(version: number): boolean {
    if (version !== 2) this.#fail(`expected pickle protocol 2, as torch.save writes, received ${version}`);
    return true;
  }

  #long(size: number): number | bigint {
    if (size > MAX_INTEGER_BYTES)
      this.#fail(`expected an integer of at most ${MAX_INTEGER_BYTES} bytes, received ${size}`);
    const start = this.#take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(this.#bytes[start + i]!);
    value = BigInt.asIntN(size * 8, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #text(size: number): string {
    const start = this.#take(size);
    this.#charge(2 * size + OBJECT_BYTES);
    return this.#decode(start, start + size);
  }

  #decode(start: number, end: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        this.#bytes.subarray(start, end),
      );
    } catch {
      return this.#fail('expected UTF-8 text, received other bytes');
    }
  }

  #line(): string {
    const start = this.#at;
    const end = this.#bytes.indexOf(0x0a, start);
    if (end < 0) return this.#context.ended(start);
    if (end - start > 200) this.#fail('expected a name of at most 200 bytes');
    this.#at = end + 1;
    return this.#decode(start, end);
  }

  #global(): PickleGlobal {
    const name = `${this.#line()}.${this.#line()}`;
    const found = this.#context.find(name);
    if (found !== undefined) return found;
    return this.#fail(
      `expected tensors, containers and plain values, received the Python object ${quote(name)}, which senet does not load; save the model's state_dict() instead`,
    );
  }

  #reduce(): boolean {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(callee instanceof PickleGlobal) || callee.call === undefined || !(args instanceof PickleTuple)) {
      return this.#fail('expected a call of a known function with a tuple of arguments');
    }
    this.#charge(OBJECT_BYTES);
    return this.#push(this.#known(callee.call(args.items), callee.name));
  }

  /** An OrderedDict may have attributes, such as the `_metadata` of a state dict; they are not needed. */
  #build(): boolean {
    const state = this.#pop();
    const target = this.#stack.at(-1);
    if (target instanceof PickleDict && state instanceof PickleDict) return true;
    return this.#fail('expected attributes of an OrderedDict, received those of another object');
  }

  #known(value: PickleValue | PickleProblem, name?: string): PickleValue {
    if (!(value instanceof PickleProblem)) return value;
    return this.#fail(name === undefined ? value.message : `${name}: ${value.message}`);
  }

  #tuple(items: PickleValue[]): boolean {
    this.#charge(OBJECT_BYTES + items.length * SLOT_BYTES);
    return this.#push(new PickleTuple(items));
  }

  #append(items: PickleValue[]): boolean {
    const list = this.#stack.at(-1);
    if (!(list instanceof PickleList)) return this.#fail('expected a list to append to');
    this.#charge(items.length * SLOT_BYTES);
    for (const item of items) list.items.push(item);
    return true;
  }

  #setItems(items: PickleValue[]): boolean {
    const dict = this.#stack.at(-1);
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0) {
      return this.#fail('expected a dict and pairs of keys and values for it');
    }
    this.#charge((items.length / 2) * ENTRY_BYTES + OBJECT_BYTES);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (typeof key === 'object' && key !== null) {
        return this.#fail('expected keys that are text or numbers');
      }
      if (dict.entries.has(key))
        return this.#fail(`expected each key once, received ${quote(String(key))} twice`);
      dict.set(key, items[i + 1]!);
    }
    return true;
  }

  #remember(index: number): boolean {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) return this.#fail('expected a value to remember');
    this.#charge(ENTRY_BYTES);
    this.#memo.set(index, value);
    return true;
  }

  #recall(index: number): boolean {
    const value = this.#memo.get(index);
    if (value === undefined)
      return this.#fail(`expected a value remembered before, received number ${index}`);
    return this.#push(value);
  }

  #push(value: PickleValue): true {
    this.#charge(SLOT_BYTES);
    this.#stack.push(value);
    return true;
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) return this.#fail('expected a value, received none');
    return value;
  }

  #popToMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) return this.#fail('expected a mark before the values');
    return this.#stack.splice(mark).filter((value) => value !== MARK);
  }

  /** Position of the next bytes, which must be there. */
  #take(size: number): number {
    const start = this.#at;
    if (size > this.#bytes.byteLength - start) return this.#context.ended(start);
    this.#at = start + size;
    return start;
  }

  /** Counts memory before it is taken. */
  #charge(bytes: number): void {
    this.#memory += bytes;
    if (this.#memory > maxPickleMemory)
      this.#fail(`expected values that take at most ${maxPickleMemory} bytes of memory, received more`);
  }

  #fail(message: string): never {
    return this.#context.fail(this.#opcodeAt, message);
  }
}

/**
 * Reads the pickle that begins at a byte.
 *
 * @returns Its value, and the position behind it.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  context: PickleContext,
): { value: PickleValue; end: number } {
  return new Unpickler(bytes, start, context).read();
}
