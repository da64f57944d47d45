/**
 * What layers take and return: a feature map or a feature vector of a network that is being described. The number of
 * channels is part of the type where it is a literal, so that layers which do not fit are found by the compiler.
 */
import { ArgumentError } from '../errors.ts';
import type { ModelBuilder } from './model_builder.ts';
import { show } from './options.ts';

/** A feature map: height x width positions with C channels each. */
export class FeatureMap<C extends number = number> {
  readonly kind = 'map';
  readonly builder: ModelBuilder;
  /** Value in the graph. */
  readonly id: number;
  readonly height: number;
  readonly width: number;
  readonly channels: C;

  constructor(builder: ModelBuilder, id: number, channels: C) {
    const { shape } = builder.graph.type(id);
    this.builder = builder;
    this.id = id;
    this.height = shape[1]!;
    this.width = shape[2]!;
    this.channels = channels;
  }
}

/** A feature vector with C entries. */
export class FeatureVector<C extends number = number> {
  readonly kind = 'vector';
  readonly builder: ModelBuilder;
  /** Value in the graph. */
  readonly id: number;
  readonly channels: C;

  constructor(builder: ModelBuilder, id: number, channels: C) {
    this.builder = builder;
    this.id = id;
    this.channels = channels;
  }
}

/** A feature of either kind. */
export type Feature = FeatureMap | FeatureVector;

/** Channels of a map as a type. */
export type ChannelsOf<F> = F extends FeatureMap<infer C> ? C : number;

/** The same kind of feature with other channels. */
export type WithChannels<F extends Feature, C extends number> = F extends FeatureMap
  ? FeatureMap<C>
  : FeatureVector<C>;

/** A map, or a sentence for the compiler to show. */
export type MapFor<L extends string, F> = F extends FeatureMap
  ? unknown
  : F extends FeatureVector
    ? `${L}: expected a feature map, received a feature vector`
    : `${L}: expected a feature map`;

/** A vector, or a sentence for the compiler to show. */
export type VectorFor<L extends string, F> = F extends FeatureVector
  ? unknown
  : F extends FeatureMap
    ? `${L}: expected a feature vector, received a feature map; use flatten or globalAvgPool first`
    : `${L}: expected a feature vector`;

/** Equal channels, or a sentence for the compiler to show. Channels that are not literals are checked when it runs. */
export type SameChannels<
  L extends string,
  A extends Feature,
  B extends Feature,
> = number extends A['channels']
  ? unknown
  : number extends B['channels']
    ? unknown
    : A['channels'] extends B['channels']
      ? unknown
      : `${L}: the first input has ${A['channels']} channels, the second has ${B['channels']}`;

/** Equal kinds and channels, or a sentence for the compiler to show. */
export type SameFeature<L extends string, A extends Feature, B extends Feature> = A['kind'] extends B['kind']
  ? SameChannels<L, A, B>
  : B['kind'] extends A['kind']
    ? SameChannels<L, A, B>
    : `${L}: the first input is a feature ${A['kind']}, the second is a feature ${B['kind']}`;

/** What a map can be multiplied by: its like or a vector, of as many channels. */
export type FactorFor<A extends Feature, B extends Feature> = A['kind'] extends 'map'
  ? SameChannels<'multiply', A, B>
  : SameFeature<'multiply', A, B>;

const describe = (value: unknown): string => {
  if (value instanceof FeatureMap) return 'a feature map';
  return value instanceof FeatureVector ? 'a feature vector' : show(value);
};

/** Checks at run time what the types check when compiling. */
export function expectMap(layer: string, x: unknown): FeatureMap {
  if (x instanceof FeatureMap) return x;
  throw new ArgumentError(`${layer}: expected a feature map, received ${describe(x)}`);
}

export function expectVector(layer: string, x: unknown): FeatureVector {
  if (x instanceof FeatureVector) return x;
  throw new ArgumentError(`${layer}: expected a feature vector, received ${describe(x)}`);
}

export function expectFeature(layer: string, x: unknown): Feature {
  if (x instanceof FeatureMap || x instanceof FeatureVector) return x;
  throw new ArgumentError(`${layer}: expected a feature map or a feature vector, received ${describe(x)}`);
}

/** Wraps the value of a layer whose output has the kind and, unless given, the channels of its input. */
export function like<F extends Feature>(x: F, id: number): F;
export function like<F extends Feature, C extends number>(x: F, id: number, channels: C): WithChannels<F, C>;
export function like(x: Feature, id: number, channels: number = x.channels): Feature {
  return x instanceof FeatureMap
    ? new FeatureMap(x.builder, id, channels)
    : new FeatureVector(x.builder, id, channels);
}
