import { data, type OpCase } from './case.ts';

const dropout = (name: string, shape: number[], rate: number, stream = 0, whole = false): OpCase => ({
  name,
  op: 'dropout',
  inputs: [data(shape), { ...data([2]), dtype: 'i32', fill: 'words' }],
  attributes: { rate, stream, whole },
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
  dropout('whole images, one element', [1, 1, 1, 1], 0.5, 0, true),
  dropout('whole images, rate 0', [3, 2, 2, 5], 0, 0, true),
  dropout('whole images, odd sizes', [11, 3, 5, 7], 0.5, 2, true),
  dropout('whole images, blocks', [9, 3, 3, 16], 0.2, 1, true),
  dropout('whole vectors', [5, 24], 0.5, 3, true),
  dropout('whole images, more than one share of a thread', [3, 20, 21, 8], 0.5, 4, true),
];
