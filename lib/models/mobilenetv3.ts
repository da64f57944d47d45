/**
 * MobileNetV3 1.0, small and large (Howard et al. 2019): inverted residuals found by search, with SE blocks behind the
 * depthwise convolutions of some stages and hard swish behind most norms; and the same without SE. Names and layer names
 * are timm's.
 */
import {
  conv2d,
  defineModel,
  type FeatureMap,
  type FeatureVector,
  globalAvgPool,
  hardSwish,
  linear,
  type ModelDefinition,
} from '../layers/index.ts';
import { activeNorm, type InvertedExcitation, type InvertedStage, invertedStages } from './inverted.ts';
import { type Architecture, classify, type ModelBuildOptions, plainArchitecture } from './options.ts';

interface Mobilenetv3Config {
  readonly stages: readonly InvertedStage[];
  /** Filters of the last convolution, and units of the layer between pool and classifier. */
  readonly last: number;
  readonly hidden: number;
}

const STEM = 16;
const DROPOUT = 0.2;

/** The multiple of 8 that is nearest to a value, but none that is more than a tenth below it. */
function divisibleBy8(value: number): number {
  const nearest = Math.max(8, Math.floor((value + 4) / 8) * 8);
  return nearest < 0.9 * value ? nearest + 8 : nearest;
}

const excitation: InvertedExcitation = {
  options: { gate: 'hard_sigmoid', layers: ['conv_reduce', 'conv_expand'] },
  reducedWidth: (_, width) => divisibleBy8(width / 4),
};

const stage = (
  kernel: 3 | 5,
  stride: 1 | 2,
  filters: number,
  widths: readonly number[],
  activation: 'relu' | 'hard_swish',
  se = false,
): InvertedStage => ({ kernel, stride, filters, widths, activation, se });

// The paper's Tables 1 and 2, blocks of one size and kernel together.
const families = {
  mobilenetv3_small_100: {
    stages: [
      stage(3, 2, 16, [0], 'relu', true),
      stage(3, 2, 24, [72, 88], 'relu'),
      stage(5, 2, 40, [96, 240, 240], 'hard_swish', true),
      stage(5, 1, 48, [120, 144], 'hard_swish', true),
      stage(5, 2, 96, [288, 576, 576], 'hard_swish', true),
    ],
    last: 576,
    hidden: 1024,
  },
  mobilenetv3_large_100: {
    stages: [
      stage(3, 1, 16, [0], 'relu'),
      stage(3, 2, 24, [64, 72], 'relu'),
      stage(5, 2, 40, [72, 120, 120], 'relu', true),
      stage(3, 2, 80, [240, 200, 184, 184], 'hard_swish'),
      stage(3, 1, 112, [480, 672], 'hard_swish', true),
      stage(5, 2, 160, [672, 960, 960], 'hard_swish', true),
    ],
    last: 960,
    hidden: 1280,
  },
} as const;

function defineMobilenetv3(
  name: string,
  { stages, last, hidden }: Mobilenetv3Config,
  excited: boolean,
  options: ModelBuildOptions,
): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = DROPOUT } = options;
  const build = (images: FeatureMap): FeatureVector => {
    const conv = conv2d(images, { filters: STEM, kernel: 3, stride: 2, bias: false, name: 'conv_stem' });
    const stem = activeNorm(conv, 'bn1', 'hard_swish');
    const body = invertedStages(stem, stages, excited ? excitation : undefined, options);
    const scope = `blocks.${stages.length}.0`;
    const pointwise = { filters: last, kernel: 1, padding: 'valid', bias: false } as const;
    const top = activeNorm(
      conv2d(body, { ...pointwise, name: `${scope}.conv` }),
      `${scope}.bn1`,
      'hard_swish',
    );
    const head = linear(globalAvgPool(top), { units: hidden, pointwise: true, name: 'conv_head' });
    return classify(hardSwish(head), rate, classes, 'classifier');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

/** Names of the MobileNetV3s. */
export type Mobilenetv3Name = `${'' | 'plain_'}${keyof typeof families}`;

const architecture = (config: Mobilenetv3Config, se: boolean): Architecture => ({
  ...plainArchitecture(se, config.stages.length, (name, options) =>
    defineMobilenetv3(name, config, se, options),
  ),
  choices: ['dropPath'],
});

/** Every one of them by name. */
export const mobilenetv3s = Object.fromEntries(
  Object.entries(families).flatMap(([name, config]) => [
    [name, architecture(config, true)],
    [`plain_${name}`, architecture(config, false)],
  ]),
) as Readonly<Record<Mobilenetv3Name, Architecture>>;
