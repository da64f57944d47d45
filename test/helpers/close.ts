/**
 * Compares results of a device with the float64 reference. There is one rule for the tolerance, so that no test
 * picks its own:
 *
 *     |actual - expected| <= unit * amplification * max(1, sqrt(reduction) / 4) * (|expected| + rms(expected)) + atol
 *
 * - `unit` is 1.3e-6 for float32, about 11 machine epsilons (PyTorch's choice for its own float32 tests): room for a
 *   handful of roundings, an exp and a division.
 * - A sum of n terms rounds n times. The k-th partial sum is about sqrt(k/n) of the result's size when the terms have
 *   random signs, so the errors, each up to 2^-24 of a partial sum and independent, add up to about
 *   2^-24 * sqrt(n/2) of the result. unit * sqrt(n) / 4 is eight times that, which chance does not reach. Blocked and
 *   vectorized sums err less.
 * - `amplification`, 1 by default, is the size of the terms in relation to that of the result, where most of them cancel.
 *   It multiplies the unit and follows from the algorithm, not from a run.
 * - The result's size is the rms of the whole expected tensor, as a sum that happens to end near zero errs like its
 *   neighbours do.
 * - `bits` adds one rounding of a value that is stored in fewer of them, 2^-bits |expected|.
 * - `atol` is 0 unless the case says why its condition is worse (see OpCase.tolerance in test/cases/case.ts).
 *
 * NaN equals NaN, an infinity the infinity of the same sign, -0 equals 0. Integers must be equal.
 */
import { formatShape, sameShape, sizeOf } from '../../lib/ir/graph.ts';
import type { RefTensor } from '../reference/tensor.ts';

/** What a device hands back: plain data, or data with a shape. */
export type Actual =
  | ArrayLike<number>
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

export interface CloseOptions {
  /** Number of terms accumulated into one element. */
  reduction: number;
  /** Storage type of the actual values. */
  dtype: 'f32' | 'i32' | 'u8';
  /** Size of the terms that cancel in a sum in relation to its own; default 1. */
  amplification?: number;
  /** Extra absolute tolerance, for cases whose condition needs it. 0 by default. */
  atol?: number;
  /** Bits that are kept of a value where it is stored, which may be rounded to them once; default: all. */
  bits?: number;
  /** Elements that may be anything, as a last bit decides about them (the sign of a ReLU's input); default 0. */
  outliers?: number;
  /** Put before the message. */
  label?: string;
}

const units = { f32: 1.3e-6, i32: 0, u8: 0 };

/** Root mean square of the finite elements; 0 for none. */
export function rms(values: ArrayLike<number>): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    sum += value * value;
    count++;
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

/** Excess of an element over its tolerance; 0 when it is close enough. */
function excess(actual: number, expected: number, relative: number, floor: number): number {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Number.POSITIVE_INFINITY;
  const over = Math.abs(actual - expected) - (relative * Math.abs(expected) + floor);
  return Math.max(over, 0);
}

function compare(
  actual: Actual,
  expected: RefTensor,
  relative: number,
  floor: number,
  label: string,
  outliers = 0,
): void {
  const data = 'data' in actual ? actual.data : actual;
  if ('shape' in actual && !sameShape(actual.shape, expected.shape)) {
    const shapes = `${formatShape(expected.shape)}, received ${formatShape(actual.shape)}`;
    throw new Error(`${label}expected shape ${shapes}`);
  }
  if (expected.data.length !== sizeOf(expected.shape)) {
    throw new Error(
      `${label}the expected tensor has ${expected.data.length} values for ${formatShape(expected.shape)}`,
    );
  }
  if (data.length !== expected.data.length) {
    throw new Error(`${label}expected ${expected.data.length} values, received ${data.length}`);
  }
  let bad = 0;
  let worst = 0;
  let worstIndex = -1;
  for (let i = 0; i < data.length; i++) {
    const over = excess(data[i]!, expected.data[i]!, relative, floor);
    if (over === 0) continue;
    bad++;
    if (over > worst) {
      worst = over;
      worstIndex = i;
    }
  }
  if (bad <= outliers) return;
  const at = `${worstIndex} [${coordinates(worstIndex, expected.shape)}]`;
  const [got, wanted] = [data[worstIndex]!, expected.data[worstIndex]!];
  const allowed = (relative * Math.abs(wanted) + floor).toExponential(2);
  throw new Error(
    `${label}${bad} of ${data.length} elements differ; worst at ${at}: ` +
      `expected ${wanted}, received ${got}, difference ${(got - wanted).toExponential(2)}, allowed ${allowed}`,
  );
}

/** Position of a linear index in a row-major shape. */
function coordinates(index: number, shape: readonly number[]): string {
  let rest = index;
  return shape
    .toReversed()
    .map((size) => {
      const position = rest % size;
      rest = Math.floor(rest / size);
      return position;
    })
    .toReversed()
    .join(', ');
}

/** Throws unless `actual` is as near to `expected` as its type and the length of its sums promise. */
export function expectClose(actual: Actual, expected: RefTensor, options: CloseOptions): void {
  const unit = units[options.dtype] * (options.amplification ?? 1);
  const relative = unit * Math.max(1, Math.sqrt(options.reduction) / 4);
  const floor = relative * rms(expected.data) + (options.atol ?? 0);
  const rounding = options.bits === undefined ? 0 : 2 ** -options.bits;
  const label = options.label === undefined ? '' : `${options.label}: `;
  compare(actual, expected, relative + rounding, floor, label, options.outliers);
}

/** Throws unless `actual` holds exactly the expected values, for inputs that leave no room for rounding. */
export function expectExact(actual: Actual, expected: RefTensor, label?: string): void {
  compare(actual, expected, 0, 0, label === undefined ? '' : `${label}: `);
}

/** Throws unless `actual` is within one rounding to `bits` bits of the expected values, which are exact sums. */
export function expectRounded(actual: Actual, expected: RefTensor, bits: number, label?: string): void {
  compare(actual, expected, 2 ** -bits, 0, label === undefined ? '' : `${label}: `);
}

/** The nearest number of `bits` bits, the leading one included, that is a multiple of `step` where that is given. */
export function roundTo(bits: number, value: number, step = 0): number {
  if (bits === 24 && step === 0) return Math.fround(value); // float32, much sooner
  if (value === 0 || !Number.isFinite(value)) return value;
  const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value))) + 1 - bits), step);
  return Math.round(value / unit) * unit;
}

/** Whether so much of the tensor is zero (more than 90 %) that equality says little. Empty tensors count. */
export function isMistrusted(expected: RefTensor): boolean {
  const zeros = expected.data.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  return zeros > 0.9 * expected.data.length || expected.data.length === 0;
}
