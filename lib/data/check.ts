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
