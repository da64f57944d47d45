// The numbers that all contenders of the suite `kernels` compute with.
import { hashed } from './random.mjs';

/** Seeds of values by their names. */
const SEEDS = {
  ...{ x: 1, weight: 2, dy: 3, identity: 4, w1: 5, b1: 6, w2: 7, b2: 8 },
  ...{ gamma: 9, beta: 10, bias: 11, mean: 12, variance: 13 },
};

/** Numbers of a value by its name; gains and variances are around 1. */
export function numbersOf(name, shape) {
  const values = hashed(
    shape.reduce((a, b) => a * b, 1),
    SEEDS[name],
  );
  return name === 'gamma' || name === 'variance' ? values.map((v) => v + 1) : values;
}
