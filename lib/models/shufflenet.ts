/**
 * ShuffleNet 1x with 3 groups (Zhang et al. 2018): units of grouped pointwise, depthwise and grouped pointwise
 * convolutions with a channel shuffle, plain and with an SE block at the end of each unit's branch.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  add,
  avgPool,
  batchNorm,
  channelShuffle,
  concat,
  conv2d,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  maxPool,
  normTail,
  relu,
  type SqueezeExciteOptions,
  scope,
  squeezeExcite,
} from '../layers/index.ts';
import { classify, excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

const GROUPS = 3;
const STEM = 24;
/** Filters and units of each stage, the first unit of which halves the map. */
const STAGES = [
  { filters: 240, units: 4 },
  { filters: 480, units: 8 },
  { filters: 960, units: 4 },
];
/** A unit's depthwise convolution has a quarter of its output's channels. */
const BOTTLENECK = 4;

/** Convolutions of a unit up to the last, of which the norm is still missing. */
function branch(x: FeatureMap, filters: number, unitFilters: number, stride: number): FeatureMap {
  const width = unitFilters / BOTTLENECK;
  // The stem has too few channels to be grouped.
  const groups = x.channels === STEM ? 1 : GROUPS;
  const pointwise = { kernel: 1, padding: 'valid', bias: false } as const;
  const first = conv2d(x, { filters: width, groups, ...pointwise, name: 'conv1' });
  const shuffled = channelShuffle(normTail(first, { name: 'bn1' }), { groups: GROUPS });
  const depthwise = { filters: width, kernel: 3, stride, groups: width, bias: false } as const;
  const middle = normTail(conv2d(shuffled, { ...depthwise, name: 'conv2' }), { name: 'bn2', relu: false });
  return conv2d(middle, { filters, groups: GROUPS, ...pointwise, name: 'conv3' });
}

/** The branch's last norm and its SE block; sum and ReLU, too, where the shortcut is added. */
function finish(
  last: FeatureMap,
  se: SqueezeExciteOptions | undefined,
  identity: FeatureMap | undefined,
): FeatureMap {
  const norm = { name: 'bn3' };
  if (se === undefined || se.squeeze === undefined || se.squeeze === 'avg') {
    return normTail(last, {
      ...norm,
      relu: identity !== undefined,
      ...(identity && { identity }),
      ...(se && { squeezeExcite: { ...se, squeeze: 'avg' } }),
    });
  }
  // The other squeezes do not follow from the norm's statistics.
  const gated = squeezeExcite(batchNorm(last, norm), se);
  return identity === undefined ? gated : relu(add(gated, identity));
}

function unit(
  x: FeatureMap,
  filters: number,
  stride: number,
  se: SqueezeExciteOptions | undefined,
): FeatureMap {
  const named = se && { name: 'se', ...se };
  if (stride === 1) return finish(branch(x, filters, filters, stride), named, x);
  // What the concatenation lacks comes from the shortcut.
  const last = branch(x, filters - x.channels, filters, stride);
  return relu(concat([avgPool(x, { kernel: 3, stride, padding: 1 }), finish(last, named, undefined)]));
}

function defineShufflenet(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = 0 } = options;
  const build = (images: FeatureMap): FeatureVector => {
    const stem = conv2d(images, { filters: STEM, kernel: 3, stride: 2, bias: false, name: 'conv1' });
    let x: FeatureMap = maxPool(normTail(stem, { name: 'bn1' }), { kernel: 3, stride: 2, padding: 1 });
    STAGES.forEach(({ filters, units }, stage) => {
      const se = excitationOf(excited, options, stage);
      for (let i = 0; i < units; i += 1) {
        x = scope(x, `stage${stage + 2}.${i}`, (y) => unit(y, filters, i === 0 ? 2 : 1, se));
      }
    });
    return classify(globalAvgPool(x), rate, classes, 'fc');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the ShuffleNets. */
export type ShufflenetName = 'shufflenet_g3' | 'se_shufflenet_g3';

/** Without SE and with it. */
export const shufflenets = withAndWithoutSe('shufflenet_g3', STAGES.length, defineShufflenet);
