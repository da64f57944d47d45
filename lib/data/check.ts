import { ArgumentError, ArgumentRangeError } from '../errors.ts';

/** Requires a whole number in [min, max]. */
export function requireWhole(
  label: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is number {
  const expected = `expected a whole number from ${min} to ${max}`;
  if (typeof value !== 'number') throw new ArgumentError(`${label}: ${expected}, received ${typeof value}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ArgumentRangeError(`${label}: ${expected}, received ${value}`);
  }
}

/** Requires true, false or undefined. */
export function requireFlag(label: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new ArgumentError(`${label}: expected true or false, received ${typeof value}`);
  }
}

/** Requires an options object. */
export function requireOptions(label: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    throw new ArgumentError(
      `${label}: expected an options object, received ${value === null ? 'null' : typeof value}`,
    );
  }
}

/** Requires an options object that has no other keys than those named. */
export function requireKeys(label: string, value: object, keys: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new ArgumentError(`${label}: expected ${keys.join(', ')}, received '${unknown}'`);
}

/** Requires a number in [min, max]. */
export function requireNumber(
  label: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is number {
  const expected = `expected a number from ${min} to ${max}`;
  if (typeof value !== 'number') throw new ArgumentError(`${label}: ${expected}, received ${typeof value}`);
  if (!(value >= min && value <= max)) {
    throw new ArgumentRangeError(`${label}: ${expected}, received ${value}`);
  }
}

/** Requires two numbers in (0, max], the smaller one first. */
export function requireRange(label: string, value: unknown, max: number): void {
  const expected = `expected two numbers [least, most] above 0 and up to ${max}`;
  if (!Array.isArray(value) || value.length !== 2 || !value.every((one) => typeof one === 'number'))
    throw new ArgumentError(`${label}: ${expected}, received ${String(value)}`);
  const [least, most] = value as [number, number];
  if (!(least > 0 && least <= most && most <= max))
    throw new ArgumentRangeError(`${label}: ${expected}, received [${least}, ${most}]`);
}
