/** Reads the options of layers; every error names layer and option, with expected and received. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';

/** A length for both directions, or [vertical, horizontal]. */
export type Pair = number | readonly [vertical: number, horizontal: number];

/**
 * Zeros around a map: `'same'` keeps the size at stride 1 (an even kernel's odd cell goes to bottom and right),
 * `'valid'` is none, a number or pair the same on both sides, four numbers [top, bottom, left, right].
 */
export type Padding =
  | 'same'
  | 'valid'
  | number
  | readonly [vertical: number, horizontal: number]
  | readonly [top: number, bottom: number, left: number, right: number];

/** A value as text for a message; some objects have none. */
export function show(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'an object';
  }
}

export function readWhole(where: string, value: unknown, least: number): number {
  if (typeof value !== 'number')
    throw new ArgumentError(`${where}: expected an integer, received ${show(value)}`);
  if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31 - 1) {
    throw new ArgumentRangeError(`${where}: expected an integer of at least ${least}, received ${value}`);
  }
  return value;
}

export function readNumber(where: string, value: unknown, least: number, below: number): number {
  if (typeof value !== 'number')
    throw new ArgumentError(`${where}: expected a number, received ${show(value)}`);
  if (!(value >= least && value < below)) {
    throw new ArgumentRangeError(`${where}: expected a number in [${least}, ${below}), received ${value}`);
  }
  return value;
}

export function readFlag(where: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new ArgumentError(`${where}: expected true or false, received ${show(value)}`);
}

export function readChoice<T extends string>(where: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const message = `${where}: expected ${choices.join(' | ')}, received ${show(value)}`;
  throw typeof value === 'string' ? new ArgumentRangeError(message) : new ArgumentError(message);
}

/** Refuses a value that is no options object. */
export function checkObject(where: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentError(`${where}: expected an options object, received ${show(value)}`);
  }
}

/** Refuses an options value that is no object, and keys that do not exist: a misspelt option must not go unnoticed. */
export function checkKeys(where: string, options: unknown, keys: readonly string[]): void {
  checkObject(where, options);
  const unknown = Object.keys(options).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new ArgumentError(`${where}: expected options ${keys.join(', ')}; received '${unknown}'`);
  }
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

export function readPair(where: string, value: unknown, least: number): [number, number] {
  const list = isList(value) ? value : [value, value];
  if (list.length !== 2)
    throw new ArgumentRangeError(`${where}: expected one or two integers, received ${list.length}`);
  return [readWhole(where, list[0], least), readWhole(where, list[1], least)];
}

/** [top, bottom, left, right] */
export function readPadding(
  where: string,
  value: unknown,
  kernel: readonly [number, number],
  dilation: readonly [number, number] = [1, 1],
): [number, number, number, number] {
  if (value === 'valid') return [0, 0, 0, 0];
  if (value === 'same') {
    const [h, w] = [dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1)];
    return [Math.floor(h / 2), Math.ceil(h / 2), Math.floor(w / 2), Math.ceil(w / 2)];
  }
  if (typeof value === 'string') {
    throw new ArgumentRangeError(`${where}: expected 'same', 'valid' or lengths, received '${value}'`);
  }
  if (isList(value) && value.length === 4) {
    const [top, bottom, left, right] = value.map((side) => readWhole(where, side, 0));
    return [top!, bottom!, left!, right!];
  }
  const [h, w] = readPair(where, value, 0);
  return [h, h, w, w];
}
