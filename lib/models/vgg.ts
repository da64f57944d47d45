/**
 * VGG-16 with batch norm (Simonyan and Zisserman 2015), plain and with an SE block behind the ReLU of each convolution.
 * Names are torchvision's.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  conv2d,
  defineModel,
  dropout,
  flatten,
  linear,
  type ModelDefinition,
  maxPool,
  relu,
} from '../layers/index.ts';
import { emitActiveNorm } from '../layers/norm_activation.ts';
import { excitationOf, type ModelBuildOptions, withAndWithoutSe } from './options.ts';

/** Filters of the convolutions of each stage; a max pool ends a stage. */
const STAGES = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];
const HIDDEN = 4096;
const DROPOUT = 0.5;

function features(images: FeatureMap, excited: boolean, options: ModelBuildOptions): FeatureMap {
  let x = images;
  // Position in torchvision's list, where ReLUs and pools count.
  let index = 0;
  STAGES.forEach((widths, stage) => {
    const se = excitationOf(excited, options, stage);
    for (const filters of widths) {
      const conv = conv2d(x, { filters, kernel: 3, name: `features.${index}` });
      x = emitActiveNorm(conv, {
        name: `features.${index + 1}`,
        se: se && { name: `features.${index + 2}.se`, ...se },
      });
      index += 3;
    }
    x = maxPool(x, { kernel: 2, name: `features.${index}` });
    index += 1;
  });
  return x;
}

function defineVgg(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = DROPOUT } = options;
  const hidden = (x: FeatureVector, layer: string): FeatureVector => {
    const y = relu(linear(x, { units: HIDDEN, name: layer }));
    return rate === 0 ? y : dropout(y, { rate });
  };
  const build = (images: FeatureMap): FeatureVector => {
    const flat = flatten(features(images, excited, options));
    const last = hidden(hidden(flat, 'classifier.0'), 'classifier.3');
    return linear(last, { units: classes, name: 'classifier.6' });
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the VGGs. */
export type VggName = 'vgg16_bn' | 'se_vgg16_bn';

/** Without SE and with it. */
export const vggs = withAndWithoutSe('vgg16_bn', STAGES.length, defineVgg);
