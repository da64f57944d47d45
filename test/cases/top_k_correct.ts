import { data, type OpCase } from './case.ts';

const topK = (name: string, n: number, classes: number, k: number, soft = false): OpCase => ({
  name,
  op: 'top_k_correct',
  inputs: [
    data([n, classes]),
    soft
      ? data([n, classes], { fill: 'distribution' })
      : data([n], { dtype: 'i32', fill: 'labels', limit: classes }),
  ],
  attributes: { k },
  gradient: false,
  integers: true,
});

export const cases: OpCase[] = [
  topK('one sample', 1, 2, 1),
  topK('top 1', 40, 5, 1),
  topK('top 5', 40, 11, 5),
  topK('k is all classes', 9, 4, 4),
  topK('k above the classes', 9, 4, 10),
  topK('soft labels', 30, 7, 2, true),
];
