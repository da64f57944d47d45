/** Residual blocks (He et al. 2016) with an optional squeeze-and-excitation block before the sum. */

import { relu } from '../activation.ts';
import { add } from '../add.ts';
import { batchNorm } from '../batch_norm.ts';
import { conv2d } from '../conv2d.ts';
import { expectMap, type FeatureMap, type MapFor } from '../feature.ts';
import { emitNormTail } from '../norm_tail.ts';
import { checkKeys, readChoice, readWhole } from '../options.ts';
import { type SqueezeExciteOptions, squeezeExcite, squeezeExciteKeys } from '../squeeze_excite.ts';

export interface ResidualBlockOptions<K extends number> {
  /** Output channels. */
  readonly filters: K;
  /** Default 1. */
  readonly stride?: number;
  /** The SE block, or none (default). */
  readonly se?: SqueezeExciteOptions;
  readonly name?: string;
}

export interface BottleneckOptions<K extends number> extends ResidualBlockOptions<K> {
  /** Channels between the 1x1 convolutions; default filters / 4. */
  readonly width?: number;
  /** Which convolution has the stride; default `'3x3'`, as in torchvision and timm. The paper's is `'1x1'`. */
  readonly strideIn?: '1x1' | '3x3';
}

/** SE, sum and ReLU after the last convolution of a block. */
function finish(
  x: FeatureMap,
  last: FeatureMap,
  norm: string,
  options: ResidualBlockOptions<number>,
): FeatureMap {
  const { filters, stride = 1, se } = options;
  const projected = stride !== 1 || x.channels !== filters;
  const shortcut = projected
    ? conv2d(x, { filters, kernel: 1, stride, padding: 'valid', bias: false, name: 'downsample.0' })
    : x;
  const named = se === undefined ? undefined : { name: 'se', ...se };
  if (se?.squeeze === undefined || se.squeeze === 'avg') {
    return emitNormTail(last, {
      name: norm,
      identity: shortcut,
      ...(projected && { identityNorm: 'downsample.1' }),
      ...(named && { squeezeExcite: { ...named, squeeze: 'avg' } }),
    });
  }
  // The other squeezes do not follow from the norm's statistics.
  const gated = squeezeExcite(batchNorm(last, { name: norm }), named);
  return relu(add(gated, projected ? batchNorm(shortcut, { name: 'downsample.1' }) : shortcut));
}

/** What the blocks have in common, checked. */
interface BlockPlan {
  /** The block's full name. */
  readonly layer: string;
  readonly filters: number;
  readonly stride: number;
}

function inScope<K extends number>(
  kind: string,
  x: unknown,
  options: ResidualBlockOptions<K>,
  body: (x: FeatureMap, plan: BlockPlan) => FeatureMap,
): FeatureMap<K> {
  const map = expectMap(kind, x);
  const layer = map.builder.enter(kind, options.name);
  const filters = readWhole(`${layer}: filters`, options.filters, 1);
  const stride = readWhole(`${layer}: stride`, options.stride ?? 1, 1);
  if (options.se !== undefined) checkKeys(`${layer}: se`, options.se, squeezeExciteKeys);
  const run = () => body(map, { layer, filters, stride }) as FeatureMap<K>;
  return map.builder.scope(options.name ?? layer.split('.').at(-1)!, run);
}

/**
 * Two 3x3 convolutions and a shortcut; 1x1 convolution and norm on the shortcut where the shape changes.
 *
 * @example
 * basicBlock(x, { filters: 64, stride: 2, se: { reduction: 16 } })
 */
export function basicBlock<F, const K extends number>(
  x: F & MapFor<'basicBlock', F>,
  options: ResidualBlockOptions<K>,
): FeatureMap<K> {
  checkKeys('basicBlock', options, ['filters', 'stride', 'se', 'name']);
  return inScope('basicBlock', x, options, (map, { filters, stride }) => {
    const first = conv2d(map, { filters, kernel: 3, stride, bias: false, name: 'conv1' });
    const middle = emitNormTail(first, { name: 'bn1' });
    const last = conv2d(middle, { filters, kernel: 3, bias: false, name: 'conv2' });
    return finish(map, last, 'bn2', options);
  });
}

/** 1x1, 3x3 and 1x1 convolution and a shortcut, likewise. */
export function bottleneck<F, const K extends number>(
  x: F & MapFor<'bottleneck', F>,
  options: BottleneckOptions<K>,
): FeatureMap<K> {
  checkKeys('bottleneck', options, ['filters', 'stride', 'se', 'name', 'width', 'strideIn']);
  return inScope('bottleneck', x, options, (map, { layer, filters, stride }) => {
    const width = readWhole(`${layer}: width`, options.width ?? filters / 4, 1);
    const strideIn = readChoice(`${layer}: strideIn`, options.strideIn ?? '3x3', ['1x1', '3x3']);
    const [outer, inner] = strideIn === '1x1' ? [stride, 1] : [1, stride];
    const first = conv2d(map, {
      filters: width,
      kernel: 1,
      stride: outer,
      padding: 'valid',
      bias: false,
      name: 'conv1',
    });
    const second = conv2d(emitNormTail(first, { name: 'bn1' }), {
      filters: width,
      kernel: 3,
      stride: inner,
      bias: false,
      name: 'conv2',
    });
    const last = conv2d(emitNormTail(second, { name: 'bn2' }), {
      filters,
      kernel: 1,
      padding: 'valid',
      bias: false,
      name: 'conv3',
    });
    return finish(map, last, 'bn3', options);
  });
}
