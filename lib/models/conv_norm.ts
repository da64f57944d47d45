/** A convolution without bias, its norm and a ReLU: what most networks are made of. */
import { type Conv2dOptions, conv2d, type FeatureMap, type SqueezeExciteOptions } from '../layers/index.ts';
import { emitActiveNorm } from '../layers/norm_activation.ts';

/** Options of a convolution with its norm; names of both. */
export interface ConvNormOptions extends Omit<Conv2dOptions<number>, 'bias' | 'name'> {
  readonly name: string;
  readonly norm: string;
  /** Added to the norm's variance; default 1e-5. */
  readonly eps?: number;
  /** The SE block behind the ReLU, or none (default). */
  readonly se?: SqueezeExciteOptions;
}

/** The layer's two halves in one. */
export function convNorm(x: FeatureMap, { name, norm, eps, se, ...conv }: ConvNormOptions): FeatureMap {
  const y = conv2d(x, { ...conv, bias: false, name });
  return emitActiveNorm(y, { name: norm, se, ...(eps !== undefined && { eps }) });
}
