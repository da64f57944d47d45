import { data, type InputSpec, type OpCase, weight } from './case.ts';

interface Options {
  momentum?: number;
  nesterov?: boolean;
  decays?: number[];
  integers?: boolean;
}

/** Shapes of the parameters that one node updates. */
const shapes = [[1], [7], [16, 3], [5, 8, 3, 3]];

function sgd(name: string, sizes: number[][], options: Options = {}): OpCase {
  const { momentum = 0, nesterov = false, decays = sizes.map(() => 0), integers = false } = options;
  const triples = sizes.flatMap((shape): (InputSpec | undefined)[] => {
    const parameter = weight(...shape);
    return [parameter, data(shape), momentum === 0 ? undefined : { ...parameter, role: 'state' }];
  });
  const changed = sizes.flatMap((_, i) => (momentum === 0 ? [1 + 3 * i] : [1 + 3 * i, 3 + 3 * i]));
  return {
    name,
    op: 'sgd',
    inputs: [data([], { fill: 'positive' }), ...triples],
    attributes: { momentum, nesterov, decays, scaled: false },
    gradient: false,
    integers,
    mutates: changed,
  };
}

export const cases: OpCase[] = [
  sgd('one parameter', [[1]]),
  sgd('plain', shapes, { integers: true }),
  sgd('weight decay', shapes, { decays: [0, 0.1, 0.01, 5e-4] }),
  sgd('momentum', shapes, { momentum: 0.9 }),
  sgd('momentum, exact', shapes, { momentum: 0.5, decays: [0, 0.5, 0.25, 0], integers: true }),
  sgd('momentum, decay', shapes, { momentum: 0.9, decays: [0, 0.1, 0.01, 5e-4] }),
  sgd('nesterov', shapes, { momentum: 0.9, nesterov: true }),
  sgd('nesterov, decay', shapes, { momentum: 0.9, nesterov: true, decays: [0.1, 0, 0.01, 5e-4] }),
];
