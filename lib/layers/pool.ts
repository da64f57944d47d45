/** What the pooling layers over windows have in common. */
import type { Attributes } from '../ir/graph.ts';
import { expectMap, FeatureMap } from './feature.ts';
import { type Padding, type Pair, readFlag, readPadding, readPair } from './options.ts';

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

/** Checks the options, emits the op. `readExtra` reads what only one of the layers has. */
export function pool(
  op: 'max_pool' | 'avg_pool',
  kind: string,
  x: unknown,
  options: PoolOptions,
  readExtra: (layer: string) => Attributes,
): FeatureMap {
  const map = expectMap(kind, x);
  const { builder } = map;
  const layer = builder.enter(kind, options.name);
  const kernel = readPair(`${layer}: kernel`, options.kernel, 1);
  const stride = readPair(`${layer}: stride`, options.stride ?? kernel, 1);
  const padding = readPadding(`${layer}: padding`, options.padding ?? 'valid', kernel);
  const ceil = readFlag(`${layer}: ceil`, options.ceil ?? false);
  const attributes = { kernel, stride, padding, ceil, ...readExtra(layer) };
  return new FeatureMap(builder, builder.emit(op, [map.id], attributes), map.channels);
}
