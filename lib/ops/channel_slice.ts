import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** Channels `start` (included) to `end` (excluded) of a map or vector. */
export const channelSlice: Op = {
  name: 'channel_slice',
  inputs: ['x'],
  infer(node) {
    const { shape } = node.input(0);
    const channels = shape.at(-1)!;
    const start = node.integer('start', 0);
    const end = node.integer('end', 1);
    if (start >= end || end > channels) {
      node.fail(0, `at least ${end} channels for the slice ${start}..${end}`, `${channels} channels`);
    }
    return [f32(...shape.slice(0, -1), end - start)];
  },
  gradient(c) {
    const channels = c.type(c.input(0)).shape.at(-1)!;
    const start = c.attributes['start']!;
    c.give(0, c.emit('channel_slice_grad', [c.gradient(0)], { start, channels })[0]!);
  },
};

export const channelSliceGrad: Op = {
  name: 'channel_slice_grad',
  inputs: ['dy'],
  infer: (node) => [f32(...node.input(0).shape.slice(0, -1), node.integer('channels', 1))],
};
