import { data, type InputSpec, type OpCase } from './case.ts';

const key: InputSpec = { ...data([2]), dtype: 'i32', fill: 'words' };

/** The op has no case of its gradient: that is not its derivative. Those of `shake_grad` are what it is. */
const shake = (name: string, shape: number[], stream: number): OpCase => ({
  name,
  op: 'shake',
  inputs: [data(shape), data(shape), key],
  attributes: { backward: 'shake', stream, gradientStream: stream + 1 },
  gradient: false,
});

const shakeGrad = (name: string, shape: number[], backward: string, gradientStream = 5): OpCase => ({
  name: `${backward}, ${name}`,
  op: 'shake_grad',
  inputs: [data(shape), key],
  attributes: { backward, stream: 4, gradientStream },
  gradient: false,
  integers: backward === 'even',
});

export const cases: OpCase[] = [
  shake('one element', [1, 1, 1, 1], 0),
  shake('odd sizes, more images than words of a counter', [11, 3, 5, 7], 2),
  shake('blocks', [9, 3, 3, 16], 4),
  shake('vectors', [5, 24], 6),
  shake('more than one share of a thread', [3, 20, 21, 8], 8),
  ...['shake', 'even'].flatMap((backward) => [
    shakeGrad('one element', [1, 1, 1, 1], backward),
    shakeGrad('odd sizes', [11, 3, 5, 7], backward, 0),
    shakeGrad('blocks', [9, 3, 3, 16], backward),
    shakeGrad('more than one share of a thread', [3, 20, 21, 8], backward),
  ]),
];
