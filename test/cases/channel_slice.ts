import { data, type OpCase } from './case.ts';

const slice = (name: string, shape: number[], start: number, end: number): OpCase => ({
  name,
  op: 'channel_slice',
  inputs: [data(shape)],
  attributes: { start, end },
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  slice('one element', [1, 1, 1, 1], 0, 1),
  slice('all', [2, 3, 2, 5], 0, 5),
  slice('first channels', [2, 3, 2, 7], 0, 3),
  slice('last channels', [2, 3, 2, 7], 4, 7),
  slice('a whole block', [2, 3, 3, 24], 8, 16),
  slice('across blocks', [1, 3, 3, 24], 5, 19),
  slice('vector', [3, 11], 2, 9),
];
