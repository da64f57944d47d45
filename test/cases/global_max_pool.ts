import { data, type OpCase } from './case.ts';

/** Integers bring ties, of which the first maximum wins. */
const globalMaxPool = (name: string, shape: number[], training = true): OpCase => ({
  name,
  op: 'global_max_pool',
  inputs: [data(shape, { fill: 'distinct' })],
  attributes: { training },
  gradient: training,
  integers: true,
});

export const cases: OpCase[] = [
  globalMaxPool('one element', [1, 1, 1, 1]),
  globalMaxPool('1x1 map', [3, 1, 1, 5]),
  globalMaxPool('batch 1', [1, 4, 4, 3]),
  globalMaxPool('one block', [2, 4, 8, 8]),
  globalMaxPool('prime sizes', [3, 5, 7, 11]),
  globalMaxPool('above a block', [2, 7, 3, 17]),
  globalMaxPool('inference', [2, 3, 5, 9], false),
];
