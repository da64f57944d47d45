import { data, type OpCase } from './case.ts';

const flatten = (name: string, ...shape: [number, number, number, number]): OpCase => ({
  name,
  op: 'flatten',
  inputs: [data(shape)],
  attributes: {},
  gradient: true,
  integers: true,
});

const unflatten = (name: string, n: number, size: [number, number], channels: number): OpCase => ({
  name,
  op: 'unflatten',
  inputs: [data([n, channels * size[0] * size[1]])],
  attributes: { size, channels },
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  flatten('one element', 1, 1, 1, 1),
  flatten('1x1 map', 3, 1, 1, 9),
  flatten('prime sizes', 2, 3, 5, 7),
  flatten('blocks', 2, 4, 3, 16),
  flatten('one channel', 2, 5, 3, 1),
  unflatten('one element', 1, [1, 1], 1),
  unflatten('prime sizes', 2, [3, 5], 7),
  unflatten('blocks', 2, [4, 3], 16),
];
