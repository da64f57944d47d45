import { data, type OpCase, perChannel, weight } from './case.ts';

const linear = (name: string, n: number, c: number, k: number, bias: boolean): OpCase => ({
  name,
  op: 'linear',
  inputs: [data([n, c]), weight(k, c), bias ? perChannel(k) : undefined],
  attributes: {},
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  linear('one element', 1, 1, 1, false),
  linear('one element, bias', 1, 1, 1, true),
  linear('one output', 3, 7, 1, true),
  linear('one input', 4, 1, 5, true),
  linear('batch 1', 1, 16, 10, true),
  linear('prime sizes', 5, 13, 11, true),
  linear('blocks', 8, 16, 24, false),
  linear('above a block', 3, 17, 9, true),
  linear('long rows', 2, 515, 3, true),
  linear('many outputs', 2, 5, 101, false),
];
