import { type OpCase, weight } from './case.ts';

const reshape = (name: string, from: number[], to: number[]): OpCase => ({
  name,
  op: 'reshape',
  inputs: [weight(...from)],
  attributes: { shape: to },
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  reshape('one element', [1, 1], [1, 1, 1, 1]),
  reshape('linear to 1x1 convolution', [5, 7], [5, 7, 1, 1]),
  reshape('1x1 convolution to linear', [16, 8, 1, 1], [16, 8]),
  reshape('to one row', [3, 4], [12]),
];
