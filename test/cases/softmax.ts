import { data, type OpCase } from './case.ts';

const softmax = (name: string, n: number, k: number, deviation = 1): OpCase => ({
  name,
  op: 'softmax',
  inputs: [data([n, k], { deviation })],
  attributes: {},
  gradient: false,
});

export const cases: OpCase[] = [
  softmax('one class', 3, 1),
  softmax('two classes', 1, 2),
  softmax('ten classes', 5, 10),
  softmax('prime sizes', 3, 101),
  softmax('many classes', 2, 1000),
  softmax('far apart', 4, 7, 200),
];
