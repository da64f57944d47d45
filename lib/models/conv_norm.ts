/** A convolution without bias, its norm and a ReLU: what most networks are made of. */
import { type Conv2dOptions, conv2d, type FeatureMap, normTail } from '../layers/index.ts';

/** Options of a convolution with its norm; names of both. */
export interface ConvNormOptions extends Omit<Conv2dOptions<number>, 'bias' | 'name'> {
  readonly name: string;
  readonly norm: string;
  /** Added to the norm's variance; default 1e-5. */
  readonly eps?: number;
}

/** The layer's two halves in one. */
export function convNorm(x: FeatureMap, { name, norm, eps, ...conv }: ConvNormOptions): FeatureMap {
  const y = conv2d(x, { ...conv, bias: false, name });
  return normTail(y, { name: norm, ...(eps !== undefined && { eps }) });
}
