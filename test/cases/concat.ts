import { data, type OpCase } from './case.ts';

const concat = (name: string, leading: number[], ...channels: number[]): OpCase => ({
  name,
  op: 'concat',
  inputs: channels.map((c) => data([...leading, c])),
  attributes: {},
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  concat('one input', [1, 2, 2], 3),
  concat('single channels', [1, 1, 1], 1, 1),
  concat('blocks', [2, 3, 4], 8, 16),
  concat('first ends inside a block', [2, 3, 2], 5, 8),
  concat('primes', [1, 5, 3], 3, 7, 11),
  concat('five inputs', [2, 2, 2], 1, 2, 3, 4, 5),
  concat('vectors', [3], 4, 9),
];
