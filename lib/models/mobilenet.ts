/**
 * MobileNet 1.0 (Howard et al. 2017): depthwise and pointwise convolutions in turn, plain and with an SE block behind
 * each pair. Names are timm's.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  conv2d,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  normTail,
  type SqueezeExciteOptions,
  scope,
} from '../layers/index.ts';
import { emitActiveNorm } from '../layers/norm_activation.ts';
import { classify, excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

/** Filters and number of pairs of each stage; every one but the first halves the map. */
const STAGES = [
  { filters: 64, pairs: 1 },
  { filters: 128, pairs: 2 },
  { filters: 256, pairs: 2 },
  { filters: 512, pairs: 6 },
  { filters: 1024, pairs: 2 },
];
const STEM = 32;

function separable(
  x: FeatureMap,
  filters: number,
  stride: number,
  se: SqueezeExciteOptions | undefined,
): FeatureMap {
  const depthwise = conv2d(x, {
    filters: x.channels,
    kernel: 3,
    stride,
    groups: x.channels,
    bias: false,
    name: 'conv_dw',
  });
  const middle = normTail(depthwise, { name: 'bn1' });
  const pointwise = conv2d(middle, { filters, kernel: 1, padding: 'valid', bias: false, name: 'conv_pw' });
  return emitActiveNorm(pointwise, { name: 'bn2', se: se && { name: 'se', ...se } });
}

function defineMobilenet(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = 0 } = options;
  const build = (images: FeatureMap): FeatureVector => {
    const stem = conv2d(images, { filters: STEM, kernel: 3, stride: 2, bias: false, name: 'conv_stem' });
    let x: FeatureMap = normTail(stem, { name: 'bn1' });
    STAGES.forEach(({ filters, pairs }, stage) => {
      const se = excitationOf(excited, options, stage);
      for (let i = 0; i < pairs; i += 1) {
        const stride = stage > 0 && i === 0 ? 2 : 1;
        x = scope(x, `blocks.${stage}.${i}`, (y) => separable(y, filters, stride, se));
      }
    });
    return classify(globalAvgPool(x), rate, classes, 'classifier');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the MobileNets. */
export type MobilenetName = 'mobilenet' | 'se_mobilenet';

/** Without SE and with it. */
export const mobilenets = withAndWithoutSe('mobilenet', STAGES.length, defineMobilenet);
