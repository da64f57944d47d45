import { expectFeature, type Feature, like } from './feature.ts';
import { checkKeys, readWhole } from './options.ts';

/**
 * ShuffleNet's channel shuffle: channels as (groups, C / groups), transposed.
 *
 * @example
 * channelShuffle(x, { groups: 3 })
 */
export function channelShuffle<F extends Feature>(x: F, options: { readonly groups: number }): F {
  const { builder, id } = expectFeature('channelShuffle', x);
  checkKeys('channelShuffle', options, ['groups']);
  const layer = builder.enter('channelShuffle', undefined);
  const groups = readWhole(`${layer}: groups`, options.groups, 1);
  return like(x, builder.emit('channel_shuffle', [id], { groups }));
}
