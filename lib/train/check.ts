/** Argument checks that name the argument, what was expected and what was received. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';

const show = (value: unknown): string => {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
};

/** A finite number within bounds. */
export function checkNumber(
  name: string,
  value: unknown,
  bounds: { least?: number; above?: number; below?: number; most?: number } = {},
): number {
  if (typeof value !== 'number')
    throw new ArgumentError(`${name}: expected a number, received ${show(value)}`);
  const { least = -Infinity, above = -Infinity, below = Infinity, most = Infinity } = bounds;
  if (Number.isFinite(value) && value >= least && value > above && value < below && value <= most)
    return value;
  const parts = [
    bounds.least === undefined ? [] : [`of at least ${least}`],
    bounds.above === undefined ? [] : [`above ${above}`],
    bounds.below === undefined ? [] : [`below ${below}`],
    bounds.most === undefined ? [] : [`of at most ${most}`],
  ].flat();
  throw new ArgumentRangeError(`${name}: expected a finite number ${parts.join(' and ')}, received ${value}`);
}

/** A whole number within bounds. */
export function checkWhole(
  name: string,
  value: unknown,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number')
    throw new ArgumentError(`${name}: expected an integer, received ${show(value)}`);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new ArgumentRangeError(`${name}: expected an integer ${range}, received ${value}`);
}

/** True or false. */
export function checkFlag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new ArgumentError(`${name}: expected true or false, received ${show(value)}`);
}

/** One of the given words. */
export function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const message = `${name}: expected ${choices.join(' | ')}, received ${show(value)}`;
  throw typeof value === 'string' ? new ArgumentRangeError(message) : new ArgumentError(message);
}

/** An options object without keys that do not exist: a misspelt option must not go unnoticed. */
export function checkOptions(name: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentError(`${name}: expected an options object, received ${show(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw new ArgumentError(`${name}: expected options ${keys.join(', ')}, received '${unknown}'`);
  }
}

/** An AbortSignal, or nothing. */
export function checkSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new ArgumentError(`${name}: expected an AbortSignal, received ${show(value)}`);
}
