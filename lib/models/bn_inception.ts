/**
 * BN-Inception (Ioffe and Szegedy 2015), plain and with an SE block behind the concatenation of each inception module,
 * in the widths of the paper's authors. Names are those of its public PyTorch port; convolutions have no biases.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  avgPool,
  concat,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  maxPool,
  type PoolOptions,
  type SqueezeExciteOptions,
  squeezeExcite,
} from '../layers/index.ts';
import { convNorm } from './conv_norm.ts';
import { classify, excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

/** Filters of a module's branches. */
interface Module {
  readonly name: string;
  /** The 1x1 branch; none in a module that halves the map. */
  readonly pointwise?: number;
  /** 1x1 and 3x3 convolution. */
  readonly single: readonly [number, number];
  /** 1x1 and twice a 3x3 convolution. */
  readonly double: readonly [number, number];
  /** The convolution behind the pool; none in a module that halves the map. */
  readonly pooled?: number;
}

const STAGES: readonly (readonly Module[])[] = [
  [
    { name: '3a', pointwise: 64, single: [64, 64], double: [64, 96], pooled: 32 },
    { name: '3b', pointwise: 64, single: [64, 96], double: [64, 96], pooled: 64 },
    { name: '3c', single: [128, 160], double: [64, 96] },
  ],
  [
    { name: '4a', pointwise: 224, single: [64, 96], double: [96, 128], pooled: 128 },
    { name: '4b', pointwise: 192, single: [96, 128], double: [96, 128], pooled: 128 },
    { name: '4c', pointwise: 160, single: [128, 160], double: [128, 160], pooled: 128 },
    { name: '4d', pointwise: 96, single: [128, 192], double: [160, 192], pooled: 128 },
    { name: '4e', single: [128, 192], double: [192, 256] },
  ],
  [
    { name: '5a', pointwise: 352, single: [192, 320], double: [160, 224], pooled: 128 },
    { name: '5b', pointwise: 352, single: [192, 320], double: [192, 224], pooled: 128 },
  ],
];
/** The last module's pool is a maximum. */
const LAST = '5b';

/** A convolution with its norm, named as one. */
function conv(x: FeatureMap, name: string, filters: number, kernel: number, stride = 1): FeatureMap {
  return convNorm(x, { name, norm: `${name}_bn`, filters, kernel, stride });
}

/**
 * Halves a map as a padded 3x3 convolution of stride 2 does, rounding up: a map of even size is padded at its far ends
 * only, which is Caffe's rounding up without padding.
 */
function halvingPool(x: FeatureMap, name: string): FeatureMap {
  const [, h, w] = x.builder.graph.type(x.id).shape;
  const padding: PoolOptions['padding'] = [h! % 2, 1, w! % 2, 1];
  return maxPool(x, { kernel: 3, stride: 2, padding, name });
}

function inception(x: FeatureMap, module: Module, se: SqueezeExciteOptions | undefined): FeatureMap {
  const { pointwise, single, double, pooled } = module;
  const name = (part: string) => `inception_${module.name}_${part}`;
  const stride = pointwise === undefined ? 2 : 1;
  const reduced = conv(x, name('3x3_reduce'), single[0], 1);
  const branches = [conv(reduced, name('3x3'), single[1], 3, stride)];
  const doubleReduced = conv(x, name('double_3x3_reduce'), double[0], 1);
  const first = conv(doubleReduced, name('double_3x3_1'), double[1], 3);
  branches.push(conv(first, name('double_3x3_2'), double[1], 3, stride));
  if (pointwise === undefined || pooled === undefined) {
    branches.push(halvingPool(x, name('pool')));
  } else {
    branches.unshift(conv(x, name('1x1'), pointwise, 1));
    const pool = { kernel: 3, stride: 1, padding: 1, name: name('pool') };
    const neighbours = module.name === LAST ? maxPool(x, pool) : avgPool(x, pool);
    branches.push(conv(neighbours, name('pool_proj'), pooled, 1));
  }
  const joined = concat(branches);
  return se ? squeezeExcite(joined, { name: name('se'), ...se }) : joined;
}

function defineBnInception(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = 0 } = options;
  const build = (images: FeatureMap): FeatureVector => {
    const stem = halvingPool(conv(images, 'conv1_7x7_s2', 64, 7, 2), 'pool1_3x3_s2');
    const second = conv(conv(stem, 'conv2_3x3_reduce', 64, 1), 'conv2_3x3', 192, 3);
    let x = halvingPool(second, 'pool2_3x3_s2');
    STAGES.forEach((modules, stage) => {
      const se = excitationOf(excited, options, stage);
      for (const module of modules) x = inception(x, module, se);
    });
    return classify(globalAvgPool(x), rate, classes, 'last_linear');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the BN-Inceptions. */
export type BnInceptionName = 'bn_inception' | 'se_bn_inception';

/** Without SE and with it. */
export const bnInceptions = withAndWithoutSe('bn_inception', STAGES.length, defineBnInception);
