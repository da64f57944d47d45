import { data, type OpCase } from './case.ts';

const scale = (name: string, shape: number[], factor: number): OpCase => ({
  name,
  op: 'scale',
  inputs: [data(shape)],
  attributes: { factor },
  gradient: factor !== 0,
  integers: Number.isInteger(4 * factor),
});

export const cases: OpCase[] = [
  scale('one element', [1, 1, 1, 1], 0.17),
  scale('map', [2, 3, 5, 7], -1.5),
  scale('blocks', [2, 3, 3, 16], 0.1),
  scale('vector', [3, 11], 0.25),
  scale('zero', [2, 2, 3, 8], 0),
];
