import { expectMap, type FeatureMap, like, type MapFor } from './feature.ts';
import { checkKeys, readNumber } from './options.ts';

/**
 * Stochastic depth (Huang et al. 2016) for the branch of a residual block: in training, zeroes the whole map of an image
 * with probability `rate` and scales the others by 1 / (1 - rate).
 *
 * @example
 * add(x, dropPath(branch, { rate: 0.1 }))
 */
export function dropPath<F>(
  x: F & MapFor<'dropPath', F>,
  options: { readonly rate: number },
): F & FeatureMap {
  const map = expectMap('dropPath', x);
  const { builder } = map;
  checkKeys('dropPath', options, ['rate']);
  const layer = builder.enter('dropPath', undefined);
  const rate = readNumber(`${layer}: rate`, options.rate, 0, 1);
  const { key, stream } = builder.dropoutSource();
  return like(map, builder.emit('dropout', [map.id, key], { rate, stream, whole: true })) as F & FeatureMap;
}
