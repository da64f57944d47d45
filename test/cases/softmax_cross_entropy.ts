import { data, type OpCase } from './case.ts';

interface Options {
  smoothing?: number;
  soft?: boolean;
  deviation?: number;
}

function crossEntropy(name: string, n: number, k: number, options: Options = {}): OpCase {
  const { smoothing = 0, soft = false, deviation = 1 } = options;
  const labels = soft
    ? data([n, k], { fill: 'distribution' })
    : data([n], { dtype: 'i32', fill: 'labels', limit: k });
  return {
    name,
    op: 'softmax_cross_entropy',
    inputs: [data([n, k], { deviation }), labels],
    attributes: { smoothing },
    gradient: [0],
  };
}

export const cases: OpCase[] = [
  crossEntropy('one sample, two classes', 1, 2),
  crossEntropy('ten classes', 7, 10),
  crossEntropy('prime sizes', 5, 101),
  crossEntropy('smoothing', 4, 10, { smoothing: 0.1 }),
  crossEntropy('smoothing of everything', 3, 5, { smoothing: 1 }),
  crossEntropy('soft labels', 3, 11, { soft: true }),
  crossEntropy('soft labels, smoothing', 3, 11, { soft: true, smoothing: 0.1 }),
  crossEntropy('far apart', 5, 7, { deviation: 60 }),
];
