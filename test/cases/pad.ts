import { data, type OpCase } from './case.ts';

const pad = (name: string, shape: number[], padding: number[]): OpCase => ({
  name,
  op: 'pad',
  inputs: [data(shape)],
  attributes: { padding },
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  pad('one element', [1, 1, 1, 1], [0, 0, 0, 0]),
  pad('zeros on all sides', [2, 6, 5, 5], [1, 2, 3, 4]),
  pad('cut on all sides', [1, 9, 11, 3], [-1, -2, -3, -4]),
  pad('moved by a cell', [2, 6, 5, 8], [1, -1, 1, -1]),
  pad('moved back, blocks', [1, 5, 6, 16], [-1, 1, -1, 1]),
  pad('above a block', [2, 4, 3, 33], [-2, 1, 0, 2]),
  // Of whole numbers too few would be left.
  { ...pad('one cell left', [1, 2, 3, 4], [-1, 3, -2, 6]), integers: false },
  // There is no gradient that could be compared.
  { ...pad('nothing left but zeros', [1, 2, 3, 4], [-2, 3, -4, 6]), gradient: false, integers: false },
];
