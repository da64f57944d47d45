import { data, type OpCase } from './case.ts';

const add = (name: string, ...shape: number[]): OpCase => ({
  name,
  op: 'add',
  inputs: [data(shape), data(shape)],
  attributes: {},
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  add('one element', 1, 1, 1, 1),
  add('map', 2, 3, 5, 7),
  add('blocks', 2, 3, 3, 16),
  add('above a block', 1, 2, 3, 9),
  add('vector', 3, 5),
  add('per channel', 13),
];
