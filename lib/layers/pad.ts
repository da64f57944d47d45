import { ArgumentError } from '../errors.ts';
import { type ChannelsOf, expectMap, FeatureMap, type MapFor } from './feature.ts';
import { checkKeys, readWhole, show } from './options.ts';

/**
 * Zeros around a map; negative numbers cut off instead.
 *
 * @example
 * pad(x, { padding: [1, -1, 1, -1] }) // Moves the map by a cell, down and to the right.
 * @param options.padding Rows and columns at [top, bottom, left, right].
 */
export function pad<F>(
  x: F & MapFor<'pad', F>,
  options: {
    readonly padding: readonly [top: number, bottom: number, left: number, right: number];
    readonly name?: string;
  },
): FeatureMap<ChannelsOf<F>> {
  const map = expectMap('pad', x);
  checkKeys('pad', options, ['padding', 'name']);
  const { builder } = map;
  const layer = builder.enter('pad', options.name);
  const sides: unknown = options.padding;
  if (!Array.isArray(sides) || sides.length !== 4) {
    throw new ArgumentError(`${layer}: padding: expected four integers, received ${show(sides)}`);
  }
  const padding = sides.map((side: unknown) => readWhole(`${layer}: padding`, side, -(2 ** 31 - 1)));
  return new FeatureMap(builder, builder.emit('pad', [map.id], { padding }), map.channels) as FeatureMap<
    ChannelsOf<F>
  >;
}
