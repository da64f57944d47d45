import { ArgumentError, ShapeError } from '../errors.ts';
import { expectFeature, type Feature, like, type WithChannels } from './feature.ts';

/**
 * Joins features of one kind and size along their channels.
 *
 * @example
 * concat([conv2d(x, { filters: 32, kernel: 1 }), maxPool(x, { kernel: 3, stride: 1, padding: 'same' })])
 */
export function concat<F extends Feature>(features: readonly F[]): WithChannels<F, number> {
  if (!Array.isArray(features) || features.length === 0) {
    throw new ArgumentError('concat: expected a list of at least one feature');
  }
  const list = features.map((feature: unknown) => expectFeature('concat', feature));
  const [first] = list as [Feature];
  const { builder } = first;
  const layer = builder.enter('concat', undefined);
  for (const other of list) {
    if (other.builder !== builder) throw new ArgumentError(`${layer}: expected features of one model`);
    if (other.kind !== first.kind)
      throw new ShapeError(`${layer}: expected only ${first.kind}s, received a ${other.kind}`);
  }
  const channels = list.reduce((sum, feature) => sum + feature.channels, 0);
  const id = builder.emit(
    'concat',
    list.map((feature) => feature.id),
  );
  return like(features[0] as F, id, channels);
}
