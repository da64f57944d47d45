/** Pooling layers. */
import { expectMap, FeatureMap, FeatureVector, type MapFor } from './feature.ts';
import { checkKeys, type Padding, type Pair, readFlag, readPadding, readPair } from './options.ts';

export interface PoolOptions {
  readonly kernel: Pair;
  /** Default: the kernel. */
  readonly stride?: Pair;
  /** Default `'valid'`; smaller than the kernel. */
  readonly padding?: Padding;
  /** Round the output size up, as PyTorch's ceil_mode does; default false. */
  readonly ceil?: boolean;
  readonly name?: string;
}

/** Channels of a map as a type. */
export type ChannelsOf<F> = F extends FeatureMap<infer C> ? C : number;

function pool(
  op: 'max_pool' | 'avg_pool',
  kind: string,
  x: unknown,
  options: PoolOptions,
  extra: object,
): FeatureMap {
  const map = expectMap(kind, x);
  const { builder } = map;
  const layer = builder.enter(kind, options.name);
  const kernel = readPair(`${layer}: kernel`, options.kernel, 1);
  const stride = readPair(`${layer}: stride`, options.stride ?? kernel, 1);
  const padding = readPadding(`${layer}: padding`, options.padding ?? 'valid', kernel);
  const ceil = readFlag(`${layer}: ceil`, options.ceil ?? false);
  return new FeatureMap(
    builder,
    builder.emit(op, [map.id], { kernel, stride, padding, ceil, ...extra }),
    map.channels,
  );
}

/** Maximum over windows of at most 255 cells; padding never wins. */
export function maxPool<F>(x: F & MapFor<'maxPool', F>, options: PoolOptions): FeatureMap<ChannelsOf<F>> {
  checkKeys('maxPool', options, ['kernel', 'stride', 'padding', 'ceil', 'name']);
  return pool('max_pool', 'maxPool', x, options, { training: false }) as FeatureMap<ChannelsOf<F>>;
}

/**
 * Average over windows.
 *
 * @param options.countIncludePad Whether padding counts in the divisor; default true, as in PyTorch.
 */
export function avgPool<F>(
  x: F & MapFor<'avgPool', F>,
  options: PoolOptions & { readonly countIncludePad?: boolean },
): FeatureMap<ChannelsOf<F>> {
  checkKeys('avgPool', options, ['kernel', 'stride', 'padding', 'ceil', 'countIncludePad', 'name']);
  const countIncludePad = readFlag('avgPool: countIncludePad', options.countIncludePad ?? true);
  return pool('avg_pool', 'avgPool', x, options, { countIncludePad }) as FeatureMap<ChannelsOf<F>>;
}

/** Mean over all positions of a map. */
export function globalAvgPool<F>(x: F & MapFor<'globalAvgPool', F>): FeatureVector<ChannelsOf<F>> {
  const { builder, id, channels } = expectMap('globalAvgPool', x);
  builder.enter('globalAvgPool', undefined);
  return new FeatureVector(builder, builder.emit('global_avg_pool', [id]), channels as ChannelsOf<F>);
}

/** Maximum over all positions of a map. */
export function globalMaxPool<F>(x: F & MapFor<'globalMaxPool', F>): FeatureVector<ChannelsOf<F>> {
  const { builder, id, channels } = expectMap('globalMaxPool', x);
  builder.enter('globalMaxPool', undefined);
  const pooled = builder.emit('global_max_pool', [id], { training: false });
  return new FeatureVector(builder, pooled, channels as ChannelsOf<F>);
}
