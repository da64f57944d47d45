import { type ChannelsOf, expectMap, FeatureVector, type MapFor } from './feature.ts';

/**
 * Maximum over all positions of a map.
 *
 * @example
 * globalMaxPool(x)
 */
export function globalMaxPool<F>(x: F & MapFor<'globalMaxPool', F>): FeatureVector<ChannelsOf<F>> {
  const { builder, id, channels } = expectMap('globalMaxPool', x);
  builder.enter('globalMaxPool', undefined);
  const pooled = builder.emit('global_max_pool', [id], { training: false });
  return new FeatureVector(builder, pooled, channels as ChannelsOf<F>);
}
