import { checkFlag, checkNumber, checkOptions } from './check.ts';

/** Stochastic gradient descent; made by {@link sgd}. */
export interface Optimizer {
  readonly kind: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  readonly decayNormsAndBiases: boolean;
}

export interface SgdOptions {
  /** Share of the last update carried on, in [0, 1); default 0.9. */
  momentum?: number;
  /** Nesterov's form of momentum; default false. */
  nesterov?: boolean;
  /** L2 penalty added to the gradient; default 1e-4. */
  weightDecay?: number;
  /** Whether weight decay applies to the norms' scales and shifts and to biases, too; default true, as in the paper. */
  decayNormsAndBiases?: boolean;
}

/**
 * SGD with momentum and weight decay, by PyTorch's update rule.
 *
 * @example
 * sgd({ momentum: 0.9, weightDecay: 5e-4, nesterov: true })
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptions('sgd', options, ['momentum', 'nesterov', 'weightDecay', 'decayNormsAndBiases']);
  return {
    kind: 'sgd',
    momentum: checkNumber('sgd: momentum', options.momentum ?? 0.9, { least: 0, below: 1 }),
    nesterov: checkFlag('sgd: nesterov', options.nesterov ?? false),
    weightDecay: checkNumber('sgd: weightDecay', options.weightDecay ?? 1e-4, { least: 0 }),
    decayNormsAndBiases: checkFlag('sgd: decayNormsAndBiases', options.decayNormsAndBiases ?? true),
  };
}
