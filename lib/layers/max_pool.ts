import type { ChannelsOf, FeatureMap, MapFor } from './feature.ts';
import { checkKeys } from './options.ts';
import { type PoolOptions, pool } from './pool.ts';

/**
 * Maximum over windows of at most 255 cells; padding never wins.
 *
 * @example
 * maxPool(x, { kernel: 3, stride: 2, padding: 1 })
 */
export function maxPool<F>(x: F & MapFor<'maxPool', F>, options: PoolOptions): FeatureMap<ChannelsOf<F>> {
  checkKeys('maxPool', options, ['kernel', 'stride', 'padding', 'ceil', 'name']);
  return pool('max_pool', 'maxPool', x, options, () => ({ training: false })) as FeatureMap<ChannelsOf<F>>;
}
