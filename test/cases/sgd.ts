import { data, type InputSpec, type OpCase, weight } from './case.ts';

interface Options {
  momentum?: boolean;
  nesterov?: boolean;
  decays?: number[];
  rates?: number[];
  /** A factor of the gradients. */
  scaled?: boolean;
  integers?: boolean;
}

/** Shapes of the parameters that one node updates. */
const shapes = [[1], [7], [16, 3], [5, 8, 3, 3]];

/** A learning rate or a momentum. */
const scalar = data([], { fill: 'positive' });

function sgd(name: string, sizes: number[][], options: Options = {}): OpCase {
  const { momentum = false, nesterov = false, scaled = false, integers = false } = options;
  const { decays = sizes.map(() => 0), rates = sizes.map(() => 1) } = options;
  const triples = sizes.flatMap((shape): (InputSpec | undefined)[] => {
    const parameter = weight(...shape);
    return [parameter, data(shape), momentum ? { ...parameter, role: 'state' } : undefined];
  });
  const changed = sizes.flatMap((_, i) => (momentum ? [2 + 3 * i, 4 + 3 * i] : [2 + 3 * i]));
  return {
    name,
    op: 'sgd',
    inputs: [scalar, momentum ? scalar : undefined, ...triples, ...(scaled ? [scalar] : [])],
    attributes: { nesterov, decays, rates, scaled },
    gradient: false,
    integers,
    mutates: changed,
  };
}

export const cases: OpCase[] = [
  sgd('one parameter', [[1]]),
  sgd('plain', shapes, { integers: true }),
  sgd('weight decay', shapes, { decays: [0, 0.1, 0.01, 5e-4] }),
  sgd('momentum', shapes, { momentum: true }),
  sgd('momentum, exact', shapes, { momentum: true, decays: [0, 0.5, 0.25, 0], integers: true }),
  sgd('momentum, decay', shapes, { momentum: true, decays: [0, 0.1, 0.01, 5e-4] }),
  sgd('rates', shapes, { decays: [0, 0.1, 0.01, 5e-4], rates: [0, 10, 1, 0.3] }),
  sgd('momentum, rates', shapes, { momentum: true, rates: [0, 4, 1, 0.5], integers: true }),
  sgd('a factor', shapes, { decays: [0, 0.1, 0.01, 5e-4], scaled: true }),
  sgd('momentum, a factor', shapes, { momentum: true, decays: [0, 0.5, 0.25, 0], scaled: true }),
  sgd('nesterov', shapes, { momentum: true, nesterov: true }),
  sgd('nesterov, decay', shapes, { momentum: true, nesterov: true, decays: [0.1, 0, 0.01, 5e-4] }),
];
