import { expectFeature, type Feature, like } from './feature.ts';
import { checkKeys, readNumber } from './options.ts';

/**
 * In training, zeroes each element with probability `rate` and scales the others by 1 / (1 - rate).
 *
 * @example
 * dropout(globalAvgPool(x), { rate: 0.2 })
 */
export function dropout<F extends Feature>(x: F, options: { readonly rate: number }): F {
  const { builder, id } = expectFeature('dropout', x);
  checkKeys('dropout', options, ['rate']);
  const layer = builder.enter('dropout', undefined);
  const rate = readNumber(`${layer}: rate`, options.rate, 0, 1);
  const { key, stream } = builder.dropoutSource();
  return like(x, builder.emit('dropout', [id, key], { rate, stream, whole: false }));
}
