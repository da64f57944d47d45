import { data, type OpCase } from './case.ts';

const multiply = (name: string, x: number[], s: number[], op = 'multiply'): OpCase => ({
  name,
  op,
  inputs: [data(x), data(s)],
  attributes: {},
  gradient: true,
  integers: true,
});

const reduce = (name: string, ...shape: number[]): OpCase => multiply(name, shape, shape, 'multiply_reduce');

export const cases: OpCase[] = [
  multiply('one element', [1, 1, 1, 1], [1, 1, 1, 1]),
  multiply('same shape', [2, 3, 5, 7], [2, 3, 5, 7]),
  multiply('same shape, blocks', [2, 3, 3, 16], [2, 3, 3, 16]),
  multiply('vectors', [3, 5], [3, 5]),
  multiply('one gate', [1, 1, 1, 1], [1, 1]),
  multiply('gates', [2, 3, 5, 7], [2, 7]),
  multiply('gates, batch 1', [1, 5, 3, 9], [1, 9]),
  multiply('gates, blocks', [3, 4, 3, 16], [3, 16]),
  multiply('gates, one channel', [3, 4, 3, 1], [3, 1]),
  reduce('one element', 1, 1, 1, 1),
  reduce('prime sizes', 2, 3, 5, 7),
  reduce('blocks', 2, 4, 4, 16),
  reduce('above a block', 3, 3, 3, 17),
];
