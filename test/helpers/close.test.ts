import { describe, expect, test } from 'vitest';
import { tensor } from '../reference/tensor.ts';
import {
  type CloseOptions,
  expectClose,
  expectExact,
  expectRounded,
  isMistrusted,
  rms,
  roundTo,
} from './close.ts';

const plain: CloseOptions = { reduction: 1, dtype: 'f32' };
const vector = (...values: number[]) => tensor([values.length], values);
const closeTo =
  (actual: number[], expected: number[], options: CloseOptions = plain) =>
  () =>
    expectClose(Float32Array.from(actual), vector(...expected), options);

describe('special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  test.each([
    ['NaN for NaN', [nan, 1], [nan, 1]],
    ['Inf for Inf', [inf, 1], [inf, 1]],
    ['-Inf for -Inf', [-inf, 1], [-inf, 1]],
    ['-0 for 0', [-0, 1], [0, 1]],
    ['0 for -0', [0, 1], [-0, 1]],
  ])('accepts %s', (_, actual, expected) => {
    expect(closeTo(actual, expected)).not.toThrow();
  });

  test.each([
    ['NaN for a number', [nan, 1], [1, 1]],
    ['a number for NaN', [1, 1], [nan, 1]],
    ['NaN for Inf', [nan, 1], [inf, 1]],
    ['Inf for NaN', [inf, 1], [nan, 1]],
    ['NaN in another place', [nan, 1], [1, nan]],
    ['-Inf for Inf', [-inf, 1], [inf, 1]],
    ['Inf for -Inf', [inf, 1], [-inf, 1]],
    ['Inf for a number', [inf, 1], [3e38, 1]],
    ['a number for Inf', [3e38, 1], [inf, 1]],
  ])('refuses %s', (_, actual, expected) => {
    expect(closeTo(actual, expected)).toThrow(/1 of 2|2 of 2/);
    expect(closeTo(actual, expected, { ...plain, atol: 1e30 })).toThrow();
  });

  test('infinities do not widen the tolerance of the others', () => {
    expect(closeTo([inf, 1.001], [inf, 1])).toThrow(/1 of 2/);
  });
});

describe('shapes and lengths', () => {
  const expected = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  test('accepts equal ones, with and without a shape', () => {
    expectClose({ shape: [2, 3], data: expected.data }, expected, plain);
    expectClose(expected.data, expected, plain);
  });

  test('refuses another shape of the same size', () => {
    const actual = { shape: [3, 2], data: expected.data };
    expect(() => expectClose(actual, expected, plain)).toThrow('expected shape 2x3, received 3x2');
  });

  test('refuses another rank', () => {
    expect(() => expectClose({ shape: [6], data: expected.data }, expected, plain)).toThrow('received 6');
  });

  test('refuses a shorter and a longer array', () => {
    expect(() => expectClose(expected.data.subarray(1), expected, plain)).toThrow(
      'expected 6 values, received 5',
    );
    expect(() => expectClose([...expected.data, 0], expected, plain)).toThrow(
      'expected 6 values, received 7',
    );
  });

  test('refuses an expected tensor that contradicts its own shape', () => {
    expect(() => expectClose([1], { shape: [2], data: new Float64Array(1) }, plain)).toThrow(
      '1 values for 2',
    );
  });

  test('empty equals empty only', () => {
    const empty = tensor([0, 4]);
    expectClose(new Float32Array(0), empty, plain);
    expect(() => expectClose([0], empty, plain)).toThrow('expected 0 values, received 1');
    expect(() => expectClose([], vector(0), plain)).toThrow('expected 1 values, received 0');
  });
});

describe('tolerance', () => {
  test('allows float32 rounding and not ten times more', () => {
    expect(closeTo([1 + 1e-6, -1], [1, -1])).not.toThrow();
    expect(closeTo([1 + 1e-5, -1], [1, -1])).toThrow(/1 of 2 elements differ; worst at 0 \[0\]/);
  });

  test('grows with the square root of the reduction', () => {
    const long = { ...plain, reduction: 1600 };
    expect(closeTo([1 + 2.5e-5, -1], [1, -1], long)).not.toThrow();
    expect(closeTo([1 + 3e-5, -1], [1, -1], long)).toThrow();
  });

  test('scales with the data', () => {
    expect(closeTo([1.00001e-20, 1e-20], [1e-20, 1e-20])).toThrow();
    expect(closeTo([1.000001e20, 1e20], [1e20, 1e20])).not.toThrow();
  });

  test('judges small elements by the size of the tensor', () => {
    expect(closeTo([1e-7, 1], [0, 1])).not.toThrow();
    expect(closeTo([1e-7, 0], [0, 0])).toThrow();
  });

  test('adds atol', () => {
    expect(closeTo([1.01, 1], [1, 1], { ...plain, atol: 0.02 })).not.toThrow();
  });

  test('integers must be equal', () => {
    expect(() => expectClose(Int32Array.of(1e9), vector(1e9 + 1), { reduction: 1, dtype: 'i32' })).toThrow();
    expect(() => expectClose(Uint8Array.of(7), vector(7), { reduction: 1, dtype: 'u8' })).not.toThrow();
  });

  test('exact means equal', () => {
    expect(() => expectExact([3, -0], vector(3, 0))).not.toThrow();
    expect(() => expectExact([3.0000002, 0], vector(3, 0), 'conv')).toThrow(/^conv: 1 of 2/);
  });
});

test('as many outliers as are allowed', () => {
  const actual = [1, 2, 3, 99];
  expect(() => expectClose(actual, vector(1, 2, 3, 4), { ...plain, outliers: 1 })).not.toThrow();
  expect(() => expectClose(actual, vector(1, 2, 4, 4), { ...plain, outliers: 1 })).toThrow(/2 of 4/);
});

test('roundTo keeps so many bits', () => {
  expect([256.9, 258, 259.1, -1.001].map((value) => roundTo(8, value))).toEqual([256, 258, 260, -1]);
  expect(roundTo(11, 1.1e-6, 2 ** -24)).toBe(18 * 2 ** -24);
  expect(roundTo(24, Math.PI)).toBe(Math.fround(Math.PI));
  expect([0, Number.POSITIVE_INFINITY].map((value) => roundTo(8, value))).toEqual([
    0,
    Number.POSITIVE_INFINITY,
  ]);
});

describe('one rounding', () => {
  test('more is allowed of a type with fewer bits', () => {
    expect(() => expectClose([1.003], vector(1), { ...plain, bits: 8 })).not.toThrow();
    expect(() => expectClose([1.005], vector(1), { ...plain, bits: 8 })).toThrow();
  });

  test('to bfloat16 is allowed, two are not', () => {
    expect(() => expectRounded([257, -1], vector(256, -1), 8)).not.toThrow();
    expect(() => expectRounded([258, -1], vector(256, -1), 8, 'y')).toThrow(/^y: 1 of 2/);
  });

  test('leaves zeros as they are', () => {
    expect(() => expectRounded([1e-9], vector(0), 8)).toThrow();
  });
});

describe('one bad element in a million', () => {
  const expected = tensor([100, 100, 100]);
  expected.data.fill(1);

  test('is found, counted and named', () => {
    const actual = Float32Array.from(expected.data);
    actual[123_456] = 1.001;
    expect(() => expectClose(actual, expected, { ...plain, label: 'y' })).toThrow(
      /^y: 1 of 1000000 elements differ; worst at 123456 \[12, 34, 56\]: expected 1, received 1\.001/,
    );
  });

  test('is found when it is NaN, and the worst is named', () => {
    const actual = Float32Array.from(expected.data);
    actual[5] = 2;
    actual[999_999] = Number.NaN;
    expect(() => expectClose(actual, expected, plain)).toThrow(
      /2 of 1000000 .* worst at 999999 \[99, 99, 99\]/,
    );
  });
});

test('mostly zero results are mistrusted', () => {
  expect(isMistrusted(vector(0, 0, 0))).toBe(true);
  expect(isMistrusted(tensor([0]))).toBe(true);
  expect(isMistrusted(vector(0, -0, 1))).toBe(false);
  expect(isMistrusted(tensor([20], [1, ...new Array<number>(19).fill(0)]))).toBe(true);
  expect(isMistrusted(tensor([20], [1, 1, ...new Array<number>(18).fill(0)]))).toBe(false);
});

test('rms leaves out what is not finite', () => {
  expect(rms([3, 4, Number.NaN, Number.POSITIVE_INFINITY])).toBeCloseTo(Math.sqrt(12.5));
  expect(rms([])).toBe(0);
});
