/**
 * Shake-Even 29 2x4x64d (Gastaldi 2017) for CIFAR-100, plain and with SE: a ResNeXt of three stages whose blocks have two
 * branches that training mixes at random. SE stands behind the mixture, ahead of the sum.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  add,
  batchNorm,
  conv2d,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  normTail,
  relu,
  type SqueezeExciteOptions,
  scope,
  shake,
  squeezeExcite,
} from '../layers/index.ts';
import { convNorm } from './conv_norm.ts';
import { classify, excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

const STEM = 64;
/** Channels of each stage, inside a block and behind it; every stage but the first halves the map. */
const WIDTHS = [256, 512, 1024];
const BLOCKS = 3;
const GROUPS = 4;

const branch = (x: FeatureMap, name: string, filters: number, stride: number): FeatureMap =>
  scope(x, name, (y) => {
    const first = convNorm(y, { name: 'conv1', norm: 'bn1', filters, kernel: 1 });
    const middle = { filters, kernel: 3, stride, groups: GROUPS };
    const second = convNorm(first, { name: 'conv2', norm: 'bn2', ...middle });
    const last = conv2d(second, { filters, kernel: 1, bias: false, name: 'conv3' });
    return normTail(last, { name: 'bn3', relu: false });
  });

function shortcut(x: FeatureMap, filters: number, stride: number): FeatureMap {
  if (x.channels === filters) return x;
  const projection = { filters, kernel: 1, stride, padding: 'valid', bias: false } as const;
  return batchNorm(conv2d(x, { ...projection, name: 'downsample.0' }), { name: 'downsample.1' });
}

function block(
  x: FeatureMap,
  filters: number,
  stride: number,
  se: SqueezeExciteOptions | undefined,
): FeatureMap {
  const [left, right] = ['branch1', 'branch2'].map((name) => branch(x, name, filters, stride));
  const mixed = shake(left!, right!, { backward: 'even' });
  const gated = se ? squeezeExcite(mixed, { name: 'se', ...se }) : mixed;
  return relu(add(gated, shortcut(x, filters, stride)));
}

function defineShakeEven(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [32, 32, 3], classes = 100, dropout: rate = 0 } = options;
  const build = (images: FeatureMap): FeatureVector => {
    let x = convNorm(images, { name: 'conv1', norm: 'bn1', filters: STEM, kernel: 3 });
    WIDTHS.forEach((filters, stage) => {
      const se = excitationOf(excited, options, stage);
      for (let i = 0; i < BLOCKS; i += 1) {
        const stride = stage > 0 && i === 0 ? 2 : 1;
        x = scope(x, `layer${stage + 1}.${i}`, (y) => block(y, filters, stride, se));
      }
    });
    return classify(globalAvgPool(x), rate, classes, 'fc');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the networks with shaken branches. */
export type ShakeName = 'shake_even29_2x4x64d' | 'se_shake_even29_2x4x64d';

/** Without SE and with it. */
export const shakes = withAndWithoutSe('shake_even29_2x4x64d', WIDTHS.length, defineShakeEven);
