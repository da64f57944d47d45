import { data, type OpCase } from './case.ts';

const dropout = (name: string, shape: number[], rate: number, stream = 0): OpCase => ({
  name,
  op: 'dropout',
  inputs: [data(shape), { ...data([2]), dtype: 'i32', fill: 'words' }],
  attributes: { rate, stream },
  gradient: true,
  integers: rate === 0 || rate === 0.5,
});

export const cases: OpCase[] = [
  dropout('one element', [1, 1], 0.5),
  dropout('rate 0', [3, 5], 0),
  dropout('rate 0.2, vector', [3, 101], 0.2),
  dropout('rate 0.5, map', [2, 3, 5, 7], 0.5),
  dropout('rate 0.5, blocks', [2, 3, 3, 16], 0.5, 1),
  dropout('rate 0.9', [4, 50], 0.9, 12345),
];
