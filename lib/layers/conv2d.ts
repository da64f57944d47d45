import { ShapeError } from '../errors.ts';
import { expectMap, FeatureMap, type MapFor } from './feature.ts';
import { checkKeys, type Padding, type Pair, readFlag, readPadding, readPair, readWhole } from './options.ts';

export interface Conv2dOptions<K extends number> {
  /** Output channels. */
  readonly filters: K;
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Default `'same'`. */
  readonly padding?: Padding;
  /** Distance between kernel cells; default 1. */
  readonly dilation?: Pair;
  /** Groups of channels that are convolved apart, up to one per channel (depthwise); default 1. */
  readonly groups?: number;
  /** Default true; leave it out before a norm. */
  readonly bias?: boolean;
  readonly name?: string;
}

const keys = ['filters', 'kernel', 'stride', 'padding', 'dilation', 'groups', 'bias', 'name'];

/**
 * Two-dimensional convolution. Weights [filters, channels / groups, kernelH, kernelW], initialised by He et al. for
 * the outputs; biases start at zero.
 *
 * @example
 * conv2d(x, { filters: 64, kernel: 3, stride: 2, bias: false })
 */
export function conv2d<F, const K extends number>(
  x: F & MapFor<'conv2d', F>,
  options: Conv2dOptions<K>,
): FeatureMap<K> {
  const map = expectMap('conv2d', x);
  checkKeys('conv2d', options, keys);
  const { builder } = map;
  const layer = builder.enter('conv', options.name);
  const filters = readWhole(`${layer}: filters`, options.filters, 1);
  const kernel = readPair(`${layer}: kernel`, options.kernel, 1);
  const stride = readPair(`${layer}: stride`, options.stride ?? 1, 1);
  const dilation = readPair(`${layer}: dilation`, options.dilation ?? 1, 1);
  const padding = readPadding(`${layer}: padding`, options.padding ?? 'same', kernel, dilation);
  const groups = readWhole(`${layer}: groups`, options.groups ?? 1, 1);
  if (map.channels % groups !== 0 || filters % groups !== 0) {
    throw new ShapeError(
      `${layer}: groups: expected a divisor of ${map.channels} channels and ${filters} filters, received ${groups}`,
    );
  }
  const shape = [filters, map.channels / groups, ...kernel];
  const fan = (filters / groups) * kernel[0] * kernel[1];
  const weight = builder.parameter(`${layer}.weight`, shape, { kind: 'heNormal', fan }, { decay: true });
  const inputs = [map.id, weight];
  if (readFlag(`${layer}: bias`, options.bias ?? true)) {
    inputs.push(builder.parameter(`${layer}.bias`, [filters], { kind: 'constant', value: 0 }));
  }
  const id = builder.emit('conv2d', inputs, { stride, padding, dilation, groups });
  return new FeatureMap(builder, id, options.filters);
}
