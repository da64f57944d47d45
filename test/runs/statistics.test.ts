import { describe, expect, test } from 'vitest';
import { sampleOf, welchTest } from '../../lib/runs/statistics.ts';

/** Twice the area under Student's t density beyond t, by Simpson's rule, up to the constant that makes all of it 1. */
function tails(t: number, freedom: number): number {
  const density = (x: number) => (1 + (x * x) / freedom) ** (-(freedom + 1) / 2);
  // u = x / (1 + x) maps all of the axis to [0, 1).
  const area = (from: number) => {
    const [low, steps] = [from / (1 + from), 200_000];
    const width = (1 - low) / steps;
    let sum = 0;
    for (let i = 0; i < steps; i += 1) {
      const u = low + (i + 0.5) * width;
      sum += density(u / (1 - u)) / (1 - u) ** 2;
    }
    return sum * width;
  };
  return area(t) / area(0);
}

describe('samples', () => {
  test('have mean and deviation', () => {
    expect(sampleOf([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
      count: 8,
      mean: 5,
      deviation: Math.sqrt(32 / 7),
    });
    expect(sampleOf([3])).toEqual({ count: 1, mean: 3, deviation: Number.NaN });
  });
});

describe('Welch’s test', () => {
  test.each([
    [
      [93.1, 93.4, 93.0],
      [94.2, 94.0, 94.4],
    ],
    [
      [1, 2, 3, 4, 5, 6],
      [2, 2.5, 1.5],
    ],
    [
      [0.5, 0.7],
      [0.6, 0.61, 0.62, 0.59],
    ],
    [Array.from({ length: 60 }, (_, i) => i % 7), Array.from({ length: 40 }, (_, i) => 0.2 + (i % 7))],
  ])('is the area under the density, %#', (first, second) => {
    const [a, b] = [sampleOf(first), sampleOf(second)];
    const [va, vb] = [a.deviation ** 2 / a.count, b.deviation ** 2 / b.count];
    const t = Math.abs(a.mean - b.mean) / Math.sqrt(va + vb);
    const freedom = (va + vb) ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1));
    expect(welchTest(a, b)).toBeCloseTo(tails(t, freedom), 5);
    expect(welchTest(b, a)).toBeCloseTo(welchTest(a, b), 12);
  });

  test('knows the table of Student’s distribution', () => {
    // Two-sided 5 % at 10 degrees of freedom: t = 2.228.
    const deviation = Math.sqrt(6 / 2);
    const p = welchTest({ count: 6, mean: 0, deviation }, { count: 6, mean: 2.228138852, deviation });
    expect(p).toBeCloseTo(0.05, 8);
  });

  test('says nothing where there is nothing to say', () => {
    expect(welchTest(sampleOf([1]), sampleOf([1, 2]))).toBeNaN();
    expect(welchTest(sampleOf([1, 1]), sampleOf([1, 1]))).toBeNaN();
    expect(welchTest(sampleOf([1, 2]), sampleOf([1, 2]))).toBeCloseTo(1, 12);
  });
});
