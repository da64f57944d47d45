import type { OpCase } from './case.ts';

const fill = (name: string, shape: number[], value: number): OpCase => ({
  name,
  op: 'fill',
  inputs: [],
  attributes: { shape, value },
  gradient: false,
  integers: true,
});

export const cases: OpCase[] = [
  fill('scalar', [], 1),
  fill('zeros', [5], 0),
  fill('map', [2, 3, 4, 9], -2.5),
  fill('blocks', [1, 2, 2, 16], 3),
];
