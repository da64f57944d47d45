import { data, type OpCase } from './case.ts';

const finite = (name: string, what: string, ...shapes: number[][]): OpCase => ({
  name,
  op: 'assert_finite',
  inputs: shapes.map((shape) => data(shape)),
  attributes: { what },
  gradient: false,
});

export const cases: OpCase[] = [
  finite('scalar', 'loss', []),
  finite('map', 'input', [2, 3, 5, 7]),
  finite('several', 'gradient', [1], [16], [5, 3, 3, 3]),
];
