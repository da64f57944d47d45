import { f32 } from '../ir/graph.ts';
import { channelsOf } from './batch_norm.ts';
import type { Op } from './op.ts';

/** ShuffleNet's channel shuffle: channels seen as (groups, C/groups), transposed. */
export const channelShuffle: Op = {
  name: 'channel_shuffle',
  inputs: ['x'],
  infer(node) {
    const channels = channelsOf(node, 0);
    const groups = node.integer('groups', 1);
    if (channels % groups !== 0)
      node.fail(0, `channels divisible by groups (${groups})`, `${channels} channels`);
    return [f32(...node.input(0).shape)];
  },
  gradient(c) {
    const groups = c.type(c.input(0)).shape.at(-1)! / Number(c.attributes['groups']);
    c.give(0, c.emit('channel_shuffle', [c.gradient(0)], { groups })[0]!);
  },
};
