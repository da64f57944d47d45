import type { Draw } from '../random.ts';

/** A standard normal number by Box and Muller's formula. */
function normal(draw: Draw): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw()));
  return radius * Math.cos(2 * Math.PI * draw());
}

/**
 * The logarithm of a number of the gamma distribution (Marsaglia and Tsang 2000): small shapes give numbers below what a
 * double can hold.
 */
function logGamma(shape: number, draw: Draw): number {
  if (shape < 1) return logGamma(shape + 1, draw) + Math.log(1 - draw()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(draw);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - draw()) < 0.5 * x * x + d - d * v + d * Math.log(v))
      return Math.log(d) + Math.log(v);
  }
}

/** A number of the distribution Beta(alpha, alpha), from 0 to 1: near 0 and 1 for small alpha, even for alpha 1. */
export function drawBeta(alpha: number, draw: Draw): number {
  const first = logGamma(alpha, draw);
  const second = logGamma(alpha, draw);
  return 1 / (1 + Math.exp(second - first));
}
