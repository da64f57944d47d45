import { type ChannelsOf, expectMap, FeatureVector, type MapFor } from './feature.ts';

/**
 * Mean over all positions of a map.
 *
 * @example
 * linear(globalAvgPool(x), { units: 1000 })
 */
export function globalAvgPool<F>(x: F & MapFor<'globalAvgPool', F>): FeatureVector<ChannelsOf<F>> {
  const { builder, id, channels } = expectMap('globalAvgPool', x);
  builder.enter('globalAvgPool', undefined);
  return new FeatureVector(builder, builder.emit('global_avg_pool', [id]), channels as ChannelsOf<F>);
}
