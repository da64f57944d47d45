/** Layers that join features, or take them apart and reorder them. */
import { ArgumentError, ArgumentRangeError, ShapeError } from '../errors.ts';
import {
  expectFeature,
  expectMap,
  type Feature,
  FeatureMap,
  FeatureVector,
  like,
  type MapFor,
  type SameChannels,
  type WithChannels,
} from './feature.ts';
import { checkKeys, readNumber, readWhole } from './options.ts';

const size = (x: Feature): string =>
  x instanceof FeatureMap ? `${x.height}x${x.width}x${x.channels}` : `${x.channels}`;

function expectSame(layer: string, a: Feature, b: Feature): void {
  if (a.builder !== b.builder) throw new ArgumentError(`${layer}: expected two features of one model`);
  if (a.kind !== b.kind || size(a) !== size(b)) {
    throw new ShapeError(
      `${layer}: expected a ${a.kind} of ${size(a)} as the first input, received a ${b.kind} of ${size(b)}`,
    );
  }
}

/** Sum of two features of the same size. */
export function add<A extends Feature, B extends Feature>(a: A, b: B & SameChannels<'add', A, B>): A {
  const [first, second] = [expectFeature('add', a), expectFeature('add', b)];
  const layer = first.builder.enter('add', undefined);
  expectSame(layer, first, second);
  return like(a, first.builder.emit('add', [first.id, second.id]));
}

/** Product of two features of the same size, or of a map and a vector that scales its channels. */
export function multiply<A extends Feature, B extends Feature>(
  a: A,
  b: B & SameChannels<'multiply', A, B>,
): A {
  const [first, second] = [expectFeature('multiply', a), expectFeature('multiply', b)];
  const layer = first.builder.enter('multiply', undefined);
  if (first instanceof FeatureMap && second instanceof FeatureVector) {
    if (first.builder !== second.builder)
      throw new ArgumentError(`${layer}: expected two features of one model`);
    if (first.channels !== second.channels) {
      throw new ShapeError(`${layer}: expected a vector of ${first.channels}, received ${second.channels}`);
    }
  } else {
    expectSame(layer, first, second);
  }
  return like(a, first.builder.emit('multiply', [first.id, second.id]));
}

/** Joins features of one kind and size along their channels. */
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

/** Channels `start` (included) to `end` (excluded). */
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

/** ShuffleNet's channel shuffle: channels as (groups, C / groups), transposed. */
export function channelShuffle<F extends Feature>(x: F, options: { readonly groups: number }): F {
  const { builder, id } = expectFeature('channelShuffle', x);
  checkKeys('channelShuffle', options, ['groups']);
  const layer = builder.enter('channelShuffle', undefined);
  const groups = readWhole(`${layer}: groups`, options.groups, 1);
  return like(x, builder.emit('channel_shuffle', [id], { groups }));
}

/** A map as a vector, in the order channels, rows, columns, which is PyTorch's. */
export function flatten<F>(x: F & MapFor<'flatten', F>): FeatureVector {
  const { builder, id, height, width, channels } = expectMap('flatten', x);
  builder.enter('flatten', undefined);
  return new FeatureVector(builder, builder.emit('flatten', [id]), height * width * channels);
}

/** In training, zeroes each element with probability `rate` and scales the others by 1 / (1 - rate). */
export function dropout<F extends Feature>(x: F, options: { readonly rate: number }): F {
  const { builder, id } = expectFeature('dropout', x);
  checkKeys('dropout', options, ['rate']);
  const layer = builder.enter('dropout', undefined);
  const rate = readNumber(`${layer}: rate`, options.rate, 0, 1);
  const { key, stream } = builder.dropoutSource();
  return like(x, builder.emit('dropout', [id, key], { rate, stream }));
}

/** Runs `body` with the names of its layers below `name`. */
export function scope<F extends Feature, R>(x: F, name: string, body: (x: F) => R): R {
  const { builder } = expectFeature('scope', x);
  if (typeof name !== 'string' || name === '') throw new ArgumentError('scope: name: expected a name');
  return builder.scope(name, () => body(x));
}
