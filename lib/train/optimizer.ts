import { checkFlag, checkNumber, checkOptions } from './check.ts';

/** Weight decay, which all optimizers have. */
interface Decay {
  readonly weightDecay: number;
  readonly decayNormsAndBiases: boolean;
}

/** Stochastic gradient descent; made by {@link sgd}. */
export interface Sgd extends Decay {
  readonly kind: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** Adam with decoupled weight decay; made by {@link adamw}. */
export interface AdamW extends Decay {
  readonly kind: 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** How parameters follow from gradients; made by {@link sgd} or {@link adamw}. */
export type Optimizer = Sgd | AdamW;

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
export function sgd(options: SgdOptions = {}): Sgd {
  checkOptions('sgd', options, ['momentum', 'nesterov', 'weightDecay', 'decayNormsAndBiases']);
  return {
    kind: 'sgd',
    momentum: checkNumber('sgd: momentum', options.momentum ?? 0.9, { least: 0, below: 1 }),
    nesterov: checkFlag('sgd: nesterov', options.nesterov ?? false),
    weightDecay: checkNumber('sgd: weightDecay', options.weightDecay ?? 1e-4, { least: 0 }),
    decayNormsAndBiases: checkFlag('sgd: decayNormsAndBiases', options.decayNormsAndBiases ?? true),
  };
}

export interface AdamWOptions {
  /** Share of the running mean of gradients that an update keeps, in [0, 1); default 0.9. */
  beta1?: number;
  /** Share of the running mean of squared gradients that an update keeps, in [0, 1); default 0.999. */
  beta2?: number;
  /** Added to the root of the squares' mean; default 1e-8. */
  epsilon?: number;
  /** Share of the learning rate by which a parameter shrinks in each update, apart from its gradient; default 0.01. */
  weightDecay?: number;
  /**
   * Whether weight decay applies to the norms' scales and shifts and to biases, too; default false. As it does not
   * depend on gradients, it would pull the scales of norms towards zero however much the loss needs them.
   */
  decayNormsAndBiases?: boolean;
}

/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101): Adam with weight decay apart from the gradient, by PyTorch's update
 * rule.
 *
 * @example
 * adamw({ weightDecay: 0.05 }) // with a schedule such as schedules.cosine({ lr: 1e-3, warmupEpochs: 5 })
 */
export function adamw(options: AdamWOptions = {}): AdamW {
  const keys = ['beta1', 'beta2', 'epsilon', 'weightDecay', 'decayNormsAndBiases'];
  checkOptions('adamw', options, keys);
  return {
    kind: 'adamw',
    beta1: checkNumber('adamw: beta1', options.beta1 ?? 0.9, { least: 0, below: 1 }),
    beta2: checkNumber('adamw: beta2', options.beta2 ?? 0.999, { least: 0, below: 1 }),
    epsilon: checkNumber('adamw: epsilon', options.epsilon ?? 1e-8, { above: 0 }),
    weightDecay: checkNumber('adamw: weightDecay', options.weightDecay ?? 0.01, { least: 0 }),
    decayNormsAndBiases: checkFlag('adamw: decayNormsAndBiases', options.decayNormsAndBiases ?? false),
  };
}
