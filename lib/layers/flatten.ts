import { expectMap, FeatureVector, type MapFor } from './feature.ts';

/**
 * A map as a vector, in the order channels, rows, columns, which is PyTorch's.
 *
 * @example
 * linear(flatten(x), { units: 4096 })
 */
export function flatten<F>(x: F & MapFor<'flatten', F>): FeatureVector {
  const { builder, id, height, width, channels } = expectMap('flatten', x);
  builder.enter('flatten', undefined);
  return new FeatureVector(builder, builder.emit('flatten', [id]), height * width * channels);
}
