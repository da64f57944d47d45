/** How many terms add up to one element, which decides the tolerance of a comparison. */
import { sizeOf } from '../../lib/ir/graph.ts';
import type { OpCase } from './case.ts';

/** Terms accumulated per element of an op's outputs, and of its gradients. */
export interface Reduction {
  readonly forward: number;
  readonly gradient: number;
}

/** The longest sums that an op makes, from its attributes and inputs (an upper bound where it chains several). */
export function reductionOf({
  op,
  inputs,
  attributes,
}: Pick<OpCase, 'op' | 'inputs' | 'attributes'>): Reduction {
  const shapes = inputs.map((input) => input?.shape ?? []);
  const [x = [], w = []] = shapes;
  const positions = sizeOf(x.slice(1, -1));
  const perChannel = sizeOf(x.slice(0, -1));
  const excited = (first: number): number => (shapes[first]?.[0] ?? 0) + (shapes[first]?.[1] ?? 0);
  switch (op) {
    case 'conv2d':
    case 'conv2d_fused': {
      const kernel = sizeOf(w.slice(2));
      const outputsPerGroup = (w[0] ?? 1) / Number(attributes['groups']);
      return { forward: sizeOf(w.slice(1)) + 1, gradient: Math.max(outputsPerGroup * kernel, perChannel) };
    }
    case 'linear':
      return { forward: sizeOf(w.slice(1)) + 1, gradient: Math.max(w[0] ?? 1, x[0] ?? 1) };
    case 'matmul':
      return { forward: w[0] ?? 1, gradient: 1 };
    case 'max_pool':
    case 'avg_pool': {
      const { kernel } = attributes;
      const area = typeof kernel === 'object' ? sizeOf(kernel) : 1;
      return { forward: area, gradient: area };
    }
    case 'clip_factor':
      return { forward: shapes.slice(1).reduce((sum, shape) => sum + sizeOf(shape), 0), gradient: 1 };
    case 'batch_norm':
      return { forward: perChannel, gradient: perChannel };
    case 'norm_activation':
      return { forward: perChannel + excited(5), gradient: 2 * perChannel + excited(5) };
    case 'norm_tail':
      return { forward: perChannel + excited(10), gradient: 2 * perChannel + excited(10) };
    case 'global_avg_pool':
    case 'multiply_reduce':
      return { forward: positions, gradient: 1 };
    case 'excite':
      return { forward: excited(1), gradient: excited(1) + (x[0] ?? 1) };
    case 'squeeze_excite':
      return { forward: positions + excited(1), gradient: perChannel + excited(1) };
    case 'multiply':
      return { forward: 1, gradient: positions };
    case 'softmax':
    case 'softmax_cross_entropy':
      return { forward: sizeOf(x), gradient: x[1] ?? 1 };
    default:
      return { forward: 1, gradient: 1 };
  }
}

/**
 * Absolute tolerance of gradients that pass through a gate. Its derivative is taken from its rounded output: 1 - s^2
 * errs by about four units in the last place of 1 (5e-7) where a tanh is near 1, s(1 - s) by a quarter of that, times
 * what arrives at the gate, which the cases keep below 20. And what arrives is a difference of two sums, which errs by
 * units in the last place of those.
 */
export function gateTolerance({ attributes }: Pick<OpCase, 'attributes'>): number {
  const kind = attributes['gate'] ?? attributes['kind'];
  if (kind === 'tanh') return 1e-5;
  return kind === undefined ? 0 : 2.5e-6;
}
