import { data, type InputSpec, type OpCase } from './case.ts';

const shapes = [[1], [7], [16, 3], [5, 8, 3, 3]];

function accumulate(name: string, sizes: number[][], n: number, integers = false): OpCase {
  const count: InputSpec = {
    ...data([1], { fill: 'normal', constant: { channel: 0, value: n } }),
    shape: [],
  };
  return {
    name,
    op: 'accumulate',
    inputs: [
      count,
      ...sizes.flatMap((shape): InputSpec[] => [{ ...data(shape), role: 'state' }, data(shape)]),
    ],
    attributes: {},
    gradient: false,
    integers,
    mutates: sizes.map((_, i) => 1 + 2 * i),
  };
}

export const cases: OpCase[] = [
  accumulate('one element', [[1]], 1),
  accumulate('the first value', shapes, 0),
  accumulate('the second value', shapes, 1),
  accumulate('the eighth value', shapes, 7),
  accumulate('many elements', [[33, 129], [4096], [3, 4099]], 2),
];
