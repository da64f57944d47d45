import { data, type OpCase } from './case.ts';

const shuffle = (name: string, shape: number[], groups: number): OpCase => ({
  name,
  op: 'channel_shuffle',
  inputs: [data(shape)],
  attributes: { groups },
  gradient: true,
  integers: true,
});

export const cases: OpCase[] = [
  shuffle('one element', [1, 1, 1, 1], 1),
  shuffle('one group', [2, 2, 3, 5], 1),
  shuffle('as many groups as channels', [2, 2, 3, 5], 5),
  shuffle('two groups', [2, 3, 2, 6], 2),
  shuffle('three groups, batch 1', [1, 3, 2, 12], 3),
  shuffle('blocks', [2, 3, 3, 24], 4),
  shuffle('above a block', [1, 2, 3, 33], 3),
];
