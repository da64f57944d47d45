/** Means of few runs, and whether two of them differ by more than chance. */

/** Mean and deviation of a sample. */
export interface Sample {
  readonly count: number;
  readonly mean: number;
  /** Standard deviation, estimated with count - 1; NaN for fewer than two. */
  readonly deviation: number;
}

export function sampleOf(values: readonly number[]): Sample {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: Math.sqrt(squares / (count - 1)) };
}

/** Log gamma for x > 0 by Stirling's series, which is right to 1e-13 from 10 on. */
function logGamma(x: number): number {
  if (x < 10) return logGamma(x + 1) - Math.log(x);
  const corrections = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + corrections;
}

/** The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun, 26.5.8; Lentz's method). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The fraction converges fast on this side.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log(1 - x));
  const away = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 300; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const before = fraction;
    for (const term of [even, odd]) {
      d = 1 / away(1 + term * d);
      c = away(1 + term / c);
      fraction *= c * d;
    }
    if (Math.abs(fraction - before) < 1e-14 * fraction) break;
  }
  return (front * fraction) / a;
}

/**
 * Welch's t-test: the probability, if both samples came from distributions of one mean, of means at least so far apart.
 * NaN where a sample has fewer than two values or neither varies.
 */
export function welchTest(a: Sample, b: Sample): number {
  const [va, vb] = [a.deviation ** 2 / a.count, b.deviation ** 2 / b.count];
  const t = (a.mean - b.mean) / Math.sqrt(va + vb);
  const freedom = (va + vb) ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1));
  if (!Number.isFinite(t) || !Number.isFinite(freedom)) return Number.NaN;
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}
