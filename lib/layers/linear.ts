import { expectVector, FeatureVector, type VectorFor } from './feature.ts';
import { checkKeys, readFlag, readWhole } from './options.ts';

export interface LinearOptions<K extends number> {
  /** Length of the output. */
  readonly units: K;
  /** Default true. */
  readonly bias?: boolean;
  /** Whether state dicts have the weights as those of a 1x1 convolution, [units, channels, 1, 1]; default false. */
  readonly pointwise?: boolean;
  readonly name?: string;
}

/**
 * Fully connected layer on a vector. Weights [units, channels] and biases start uniform within 1 / sqrt(channels).
 *
 * @example
 * linear(globalAvgPool(x), { units: 10 })
 */
export function linear<F, const K extends number>(
  x: F & VectorFor<'linear', F>,
  options: LinearOptions<K>,
): FeatureVector<K> {
  const vector = expectVector('linear', x);
  checkKeys('linear', options, ['units', 'bias', 'pointwise', 'name']);
  const { builder } = vector;
  const layer = builder.enter('linear', options.name);
  const units = readWhole(`${layer}: units`, options.units, 1);
  const initializer = { kind: 'uniform', bound: 1 / Math.sqrt(vector.channels) } as const;
  const shape = [units, vector.channels];
  const weight = builder.parameter(`${layer}.weight`, shape, initializer, {
    decay: true,
    ...(readFlag(`${layer}: pointwise`, options.pointwise ?? false) && { storedShape: [...shape, 1, 1] }),
  });
  const inputs = [vector.id, weight];
  if (readFlag(`${layer}: bias`, options.bias ?? true)) {
    inputs.push(builder.parameter(`${layer}.bias`, [units], initializer));
  }
  return new FeatureVector(builder, builder.emit('linear', inputs), options.units);
}
