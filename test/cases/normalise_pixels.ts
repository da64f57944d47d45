import { data, type OpCase } from './case.ts';

const pixels = (name: string, ...shape: [number, number, number, number]): OpCase => ({
  name,
  op: 'normalise_pixels',
  inputs: [data(shape, { dtype: 'u8', fill: 'labels', limit: 256 }), data([256 * shape[3]])],
  attributes: {},
  gradient: false,
  integers: true,
});

export const cases: OpCase[] = [
  pixels('one byte', 1, 1, 1, 1),
  pixels('grey', 2, 9, 7, 1),
  pixels('colours', 3, 11, 13, 3),
  pixels('a block of channels', 1, 5, 6, 8),
  pixels('above a block', 2, 3, 4, 33),
];
