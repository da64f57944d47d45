import { ArgumentRangeError } from '../errors.ts';
import { expectFeature, type Feature, like, type WithChannels } from './feature.ts';
import { checkKeys, readWhole } from './options.ts';

/**
 * Channels `start` (included) to `end` (excluded).
 *
 * @example
 * channelSlice(x, { start: 0, end: 32 })
 */
export function channelSlice<F extends Feature>(
  x: F,
  options: { readonly start: number; readonly end: number },
): WithChannels<F, number> {
  const { builder, id, channels } = expectFeature('channelSlice', x);
  checkKeys('channelSlice', options, ['start', 'end']);
  const layer = builder.enter('channelSlice', undefined);
  const start = readWhole(`${layer}: start`, options.start, 0);
  const end = readWhole(`${layer}: end`, options.end, 1);
  if (start >= end || end > channels) {
    throw new ArgumentRangeError(
      `${layer}: expected start < end <= ${channels}, received ${start} and ${end}`,
    );
  }
  return like(x, builder.emit('channel_slice', [id], { start, end }), end - start);
}
