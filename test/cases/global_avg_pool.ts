import { data, type OpCase } from './case.ts';

const globalAvgPool = (name: string, ...shape: [number, number, number, number]): OpCase => ({
  name,
  op: 'global_avg_pool',
  inputs: [data(shape, { mean: 0.5 })],
  attributes: {},
  gradient: true,
  // A divisor that is a power of two leaves integers exact.
  integers: Number.isInteger(Math.log2(shape[1] * shape[2])),
});

export const cases: OpCase[] = [
  globalAvgPool('one element', 1, 1, 1, 1),
  globalAvgPool('1x1 map', 3, 1, 1, 5),
  globalAvgPool('batch 1', 1, 4, 4, 3),
  globalAvgPool('one block', 2, 4, 8, 8),
  globalAvgPool('prime sizes', 3, 5, 7, 11),
  globalAvgPool('above a block', 2, 7, 7, 17),
  globalAvgPool('one row', 2, 1, 16, 9),
  globalAvgPool('large map', 1, 31, 37, 2),
];
