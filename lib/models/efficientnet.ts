/**
 * EfficientNet-B0 (Tan and Le 2019): inverted residuals with an SE block behind the depthwise convolution of each, SiLU
 * everywhere, and stochastic depth; and the same without SE. Convolutions are padded on both sides alike, as in timm's
 * `efficientnet_b0` and in torchvision, not as in TensorFlow. Names and layer names are timm's.
 */
import {
  conv2d,
  defineModel,
  type FeatureMap,
  type FeatureVector,
  globalAvgPool,
  type ModelDefinition,
} from '../layers/index.ts';
import { activeNorm, type InvertedExcitation, type InvertedStage, invertedStages } from './inverted.ts';
import { type Architecture, classify, type ModelBuildOptions, plainArchitecture } from './options.ts';

const STEM = 32;
const HEAD = 1280;
const DROPOUT = 0.2;
const DROP_PATH = 0.2;

const excitation: InvertedExcitation = {
  options: { hidden: 'silu', layers: ['conv_reduce', 'conv_expand'] },
  reducedWidth: (input) => input / 4,
};

const stage = (kernel: 3 | 5, stride: 1 | 2, filters: number, widths: readonly number[]): InvertedStage => ({
  kernel,
  stride,
  filters,
  widths,
  activation: 'silu',
  se: true,
});

// The paper's Table 1; all blocks but the first have six times their input's channels inside.
const STAGES = [
  stage(3, 1, 16, [0]),
  stage(3, 2, 24, [96, 144]),
  stage(5, 2, 40, [144, 240]),
  stage(3, 2, 80, [240, 480, 480]),
  stage(5, 1, 112, [480, 672, 672]),
  stage(5, 2, 192, [672, 1152, 1152, 1152]),
  stage(3, 1, 320, [1152]),
];

function defineEfficientnet(name: string, excited: boolean, options: ModelBuildOptions): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = DROPOUT, dropPath = DROP_PATH } = options;
  const build = (images: FeatureMap): FeatureVector => {
    const conv = conv2d(images, { filters: STEM, kernel: 3, stride: 2, bias: false, name: 'conv_stem' });
    const stem = activeNorm(conv, 'bn1', 'silu');
    const body = invertedStages(stem, STAGES, excited ? excitation : undefined, { ...options, dropPath });
    const head = { filters: HEAD, kernel: 1, padding: 'valid', bias: false, name: 'conv_head' } as const;
    const top = activeNorm(conv2d(body, head), 'bn2', 'silu');
    return classify(globalAvgPool(top), rate, classes, 'classifier');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the EfficientNets. */
export type EfficientnetName = `${'' | 'plain_'}efficientnet_b0`;

const architecture = (se: boolean): Architecture => ({
  ...plainArchitecture(se, STAGES.length, (name, options) => defineEfficientnet(name, se, options)),
  choices: ['dropPath'],
});

/** Every one of them by name. */
export const efficientnets: Readonly<Record<EfficientnetName, Architecture>> = {
  efficientnet_b0: architecture(true),
  plain_efficientnet_b0: architecture(false),
};
