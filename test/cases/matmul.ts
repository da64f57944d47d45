import { data, type OpCase } from './case.ts';

const matmul = (name: string, m: number, k: number, n: number): OpCase => ({
  name,
  op: 'matmul',
  inputs: [data([m, k]), data([k, n])],
  attributes: {},
  gradient: false,
  integers: true,
});

export const cases: OpCase[] = [
  matmul('one element', 1, 1, 1),
  matmul('prime sizes', 3, 7, 5),
  matmul('blocks', 8, 16, 8),
  matmul('outer product', 4, 1, 6),
  matmul('long sum', 2, 257, 3),
];
