import type { ChannelsOf, FeatureMap, MapFor } from './feature.ts';
import { checkKeys, readFlag } from './options.ts';
import { type PoolOptions, pool } from './pool.ts';

/**
 * Average over windows.
 *
 * @example
 * avgPool(x, { kernel: 2 })
 * @param options.countIncludePad Whether padding counts in the divisor; default true, as in PyTorch.
 */
export function avgPool<F>(
  x: F & MapFor<'avgPool', F>,
  options: PoolOptions & { readonly countIncludePad?: boolean },
): FeatureMap<ChannelsOf<F>> {
  checkKeys('avgPool', options, ['kernel', 'stride', 'padding', 'ceil', 'countIncludePad', 'name']);
  return pool('avg_pool', 'avgPool', x, options, (layer) => ({
    countIncludePad: readFlag(`${layer}: countIncludePad`, options.countIncludePad ?? true),
  })) as FeatureMap<ChannelsOf<F>>;
}
