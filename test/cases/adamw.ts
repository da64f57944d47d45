import { data, type InputSpec, type OpCase, weight } from './case.ts';

interface Options {
  decays?: number[];
  rates?: number[];
  /** A factor of the gradients. */
  scaled?: boolean;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  /** Fewer updates than this were done before. */
  limit?: number;
}

/** Shapes of the parameters that one node updates. */
const shapes = [[1], [7], [16, 3], [5, 8, 3, 3]];

const scalar = data([], { fill: 'positive' });

function adamw(name: string, sizes: number[][], options: Options = {}): OpCase {
  const { scaled = false, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, limit = 100 } = options;
  const { decays = sizes.map(() => 0), rates = sizes.map(() => 1) } = options;
  const updates: InputSpec = { ...data([], { fill: 'labels', limit }), role: 'state' };
  const quadruples = sizes.flatMap((shape): InputSpec[] => {
    const parameter = weight(...shape);
    const mean: InputSpec = { ...parameter, role: 'state' };
    return [parameter, data(shape), mean, { ...mean, fill: 'positive' }];
  });
  return {
    name,
    op: 'adamw',
    inputs: [scalar, updates, ...quadruples, ...(scaled ? [scalar] : [])],
    attributes: { beta1, beta2, epsilon, decays, rates, scaled },
    gradient: false,
    mutates: [1, ...sizes.flatMap((_, i) => [2, 4, 5].map((position) => 4 * i + position))],
  };
}

export const cases: OpCase[] = [
  adamw('one parameter', [[1]]),
  adamw('plain', shapes),
  adamw('the first update', shapes, { limit: 1 }),
  adamw('after many updates', shapes, { limit: 1e6 }),
  adamw('weight decay', shapes, { decays: [0, 0.1, 0.01, 5e-4] }),
  adamw('rates', shapes, { decays: [0.1, 0.1, 0.1, 0.1], rates: [0, 1.5, 1, 0.3] }),
  adamw('a factor', shapes, { scaled: true }),
  adamw('other betas', shapes, { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }),
  adamw('no memory', shapes, { beta1: 0, beta2: 0, epsilon: 1e-3 }),
  adamw('many elements', [[33, 129], [4096], [3, 4099]], { decays: [0.01, 0, 0.01] }),
];
