/** Residual blocks (He et al. 2016) with an optional squeeze-and-excitation block before the sum. */

import { ArgumentError, ArgumentRangeError } from '../../errors.ts';
import { relu } from '../activation.ts';
import { add } from '../add.ts';
import { batchNorm } from '../batch_norm.ts';
import { conv2d } from '../conv2d.ts';
import { expectMap, type FeatureMap, type MapFor } from '../feature.ts';
import { emitActiveNorm } from '../norm_activation.ts';
import { emitNormTail } from '../norm_tail.ts';
import { checkKeys, readChoice, readWhole, show } from '../options.ts';
import {
  type SqueezeExciteOptions,
  squeezeExcite,
  squeezeExciteKeys,
  takesAverage,
} from '../squeeze_excite.ts';

/** Where a residual block has its SE block (the paper's section 6.4). */
export type SqueezeExcitePlacement = 'standard' | 'relu' | 'pre' | 'post' | 'identity' | '3x3';
const placements: readonly SqueezeExcitePlacement[] = [
  ...(['standard', 'relu', 'pre', 'post', 'identity', '3x3'] as const),
];

export interface ResidualSqueezeExciteOptions extends SqueezeExciteOptions {
  /**
   * `'standard'` (default): on the residual branch, behind its last norm; `'relu'`: there, with a ReLU between the two,
   * as timm's legacy_seresnet18 and legacy_seresnet34 have it; `'pre'`: ahead of the branch; `'post'`: behind sum and
   * ReLU; `'identity'`: on the shortcut, behind its projection if it has one; `'3x3'`: behind the norm of a bottleneck's
   * 3x3 convolution.
   */
  readonly placement?: SqueezeExcitePlacement;
}

export interface ResidualBlockOptions<K extends number> {
  /** Output channels. */
  readonly filters: K;
  /** Default 1. */
  readonly stride?: number;
  /** The SE block, or none (default). */
  readonly se?: ResidualSqueezeExciteOptions;
  readonly name?: string;
}

export interface BottleneckOptions<K extends number> extends ResidualBlockOptions<K> {
  /** Channels of the 3x3 convolution; default filters / 4. */
  readonly width?: number;
  /** Groups of the 3x3 convolution; default 1. */
  readonly groups?: number;
  /** Channels between the first 1x1 convolution and the 3x3; default `width`. */
  readonly firstWidth?: number;
  /** Which convolution has the stride; default `'3x3'`, as in torchvision and timm. The paper's ResNet has `'1x1'`. */
  readonly strideIn?: '1x1' | '3x3';
  /** Kernel of the shortcut's convolution where it has a stride; default 1. */
  readonly projection?: 1 | 3;
}

/** What the blocks have in common, checked. */
interface BlockPlan {
  /** The block's full name. */
  readonly layer: string;
  readonly filters: number;
  readonly stride: number;
  readonly placement: SqueezeExcitePlacement | undefined;
  readonly se: SqueezeExciteOptions;
  readonly projection: number;
}

/** A norm with what can ride on it: the SE block if its squeeze follows from the norm's statistics. */
function excitedNorm(x: FeatureMap, name: string, se: SqueezeExciteOptions): FeatureMap {
  if (takesAverage(se)) return emitNormTail(x, { name, squeezeExcite: { ...se, squeeze: 'avg' } });
  return relu(squeezeExcite(batchNorm(x, { name }), se));
}

/** Norm, SE, sum and ReLU after the last convolution of a block. */
function finish(x: FeatureMap, last: FeatureMap, norm: string, plan: BlockPlan): FeatureMap {
  const { filters, stride, placement, se, projection } = plan;
  const projected = stride !== 1 || x.channels !== filters;
  const kernel = stride === 1 ? 1 : projection;
  const shortcut = projected
    ? conv2d(x, { filters, kernel, stride, padding: (kernel - 1) / 2, bias: false, name: 'downsample.0' })
    : x;
  const normed = () => (projected ? batchNorm(shortcut, { name: 'downsample.1' }) : shortcut);
  if (placement === 'identity') {
    return emitNormTail(last, { name: norm, identity: squeezeExcite(normed(), se) });
  }
  if (placement === 'relu') {
    return relu(add(emitActiveNorm(last, { name: norm, se }), normed()));
  }
  if (placement === 'standard' && !takesAverage(se)) {
    return relu(add(squeezeExcite(batchNorm(last, { name: norm }), se), normed()));
  }
  const sum = emitNormTail(last, {
    name: norm,
    identity: shortcut,
    ...(projected && { identityNorm: 'downsample.1' }),
    ...(placement === 'standard' && { squeezeExcite: { ...se, squeeze: 'avg' } }),
  });
  return placement === 'post' ? squeezeExcite(sum, se) : sum;
}

/** What the branch of a block begins with. */
const branchInput = (x: FeatureMap, { placement, se }: BlockPlan): FeatureMap =>
  placement === 'pre' ? squeezeExcite(x, se) : x;

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
  if (options.se !== undefined) checkKeys(`${layer}: se`, options.se, [...squeezeExciteKeys, 'placement']);
  const { placement = 'standard', ...se } = options.se ?? {};
  const plan: BlockPlan = {
    layer,
    filters,
    stride,
    placement:
      options.se === undefined ? undefined : readChoice(`${layer}: se: placement`, placement, placements),
    se: { name: 'se', ...se },
    projection: 1,
  };
  const run = () => body(map, plan) as FeatureMap<K>;
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
  return inScope('basicBlock', x, options, (map, plan) => {
    const { layer, filters, stride, placement } = plan;
    if (placement === '3x3') {
      throw new ArgumentError(`${layer}: se: placement: '3x3' belongs to bottlenecks`);
    }
    const conv = { filters, kernel: 3, bias: false };
    const first = conv2d(branchInput(map, plan), { ...conv, stride, name: 'conv1' });
    const last = conv2d(emitNormTail(first, { name: 'bn1' }), { ...conv, name: 'conv2' });
    return finish(map, last, 'bn2', plan);
  });
}

const bottleneckKeys = [
  ...['filters', 'stride', 'se', 'name', 'width', 'groups', 'firstWidth', 'strideIn', 'projection'],
];

/** 1x1, 3x3 and 1x1 convolution and a shortcut, likewise; with groups the block of a ResNeXt (Xie et al. 2017). */
export function bottleneck<F, const K extends number>(
  x: F & MapFor<'bottleneck', F>,
  options: BottleneckOptions<K>,
): FeatureMap<K> {
  checkKeys('bottleneck', options, bottleneckKeys);
  return inScope('bottleneck', x, options, (map, plan) => {
    const { layer, filters, stride, placement, se } = plan;
    const width = readWhole(`${layer}: width`, options.width ?? filters / 4, 1);
    const firstWidth = readWhole(`${layer}: firstWidth`, options.firstWidth ?? width, 1);
    const groups = readWhole(`${layer}: groups`, options.groups ?? 1, 1);
    const strideIn = readChoice(`${layer}: strideIn`, options.strideIn ?? '3x3', ['1x1', '3x3']);
    const projection = options.projection ?? 1;
    if (projection !== 1 && projection !== 3) {
      throw new ArgumentRangeError(`${layer}: projection: expected 1 | 3, received ${show(projection)}`);
    }
    const [outer, inner] = strideIn === '1x1' ? [stride, 1] : [1, stride];
    const pointwise = { kernel: 1, padding: 'valid', bias: false } as const;
    const first = conv2d(branchInput(map, plan), {
      filters: firstWidth,
      ...pointwise,
      stride: outer,
      name: 'conv1',
    });
    const second = conv2d(emitNormTail(first, { name: 'bn1' }), {
      filters: width,
      kernel: 3,
      stride: inner,
      groups,
      bias: false,
      name: 'conv2',
    });
    const inside =
      placement === '3x3' ? excitedNorm(second, 'bn2', se) : emitNormTail(second, { name: 'bn2' });
    const last = conv2d(inside, { filters, ...pointwise, name: 'conv3' });
    return finish(map, last, 'bn3', { ...plan, projection });
  });
}
