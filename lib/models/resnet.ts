/**
 * ResNets (He et al. 2016), plain and with squeeze-and-excitation (Hu et al.), as configurations over shared blocks.
 *
 * ImageNet style: 7x7 stem, max pool, four stages; layer names are those of torchvision and timm. CIFAR style: 3x3
 * stem, three stages of 16, 32 and 64 channels, basic blocks; where the shape changes the shortcut is a 1x1
 * convolution with a norm.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  basicBlock,
  bottleneck,
  conv2d,
  defineModel,
  dropout,
  globalAvgPool,
  type InputSize,
  linear,
  type ModelDefinition,
  maxPool,
  normTail,
  type SqueezeExciteOptions,
  scope,
} from '../layers/index.ts';

/** What makes one ResNet differ from another. */
export interface ResnetConfig {
  readonly style: 'cifar' | 'imagenet';
  readonly block: 'basic' | 'bottleneck';
  /** Blocks in each stage. */
  readonly stages: readonly number[];
  readonly se: boolean;
}

/** Options of the SE blocks of a ResNet. */
export interface ResnetSqueezeExciteOptions extends SqueezeExciteOptions {
  /** Stages that have SE blocks, counted from 1 as in `layer1`; default all. */
  readonly stages?: readonly number[];
}

/** Options of every ResNet. */
export interface ResnetOptions {
  /** Size of the images; default [224, 224, 3], CIFAR style [32, 32, 3]. */
  readonly input?: InputSize;
  /** Default 1000, CIFAR style 10. */
  readonly classes?: number;
  /** Options of the SE blocks; only for models that have them. */
  readonly se?: ResnetSqueezeExciteOptions;
  /** Which convolution of a bottleneck has the stride; default `'3x3'`. The paper's is `'1x1'`. */
  readonly strideIn?: '1x1' | '3x3';
  /** Share of the pooled features that training drops before the classifier; default 0. */
  readonly dropout?: number;
}

const IMAGENET_WIDTHS = [64, 128, 256, 512];
const CIFAR_WIDTHS = [16, 32, 64];
const EXPANSION = 4;

function stem(images: FeatureMap, { style }: ResnetConfig): FeatureMap {
  const cifar = style === 'cifar';
  const conv = conv2d(images, {
    filters: cifar ? 16 : 64,
    kernel: cifar ? 3 : 7,
    stride: cifar ? 1 : 2,
    bias: false,
    name: 'conv1',
  });
  const x = normTail(conv, { name: 'bn1' });
  return cifar ? x : maxPool(x, { kernel: 3, stride: 2, padding: 1, name: 'maxpool' });
}

function stages(x: FeatureMap, config: ResnetConfig, options: ResnetOptions): FeatureMap {
  const widths = config.style === 'cifar' ? CIFAR_WIDTHS : IMAGENET_WIDTHS;
  const { stages: chosen, ...se } = options.se ?? {};
  let y = x;
  config.stages.forEach((blocks, stage) => {
    const width = widths[stage]!;
    const excited = config.se && (chosen === undefined || chosen.includes(stage + 1));
    y = scope(y, `layer${stage + 1}`, (start) => {
      let z = start;
      for (let i = 0; i < blocks; i += 1) {
        const shared = { stride: stage > 0 && i === 0 ? 2 : 1, name: `${i}`, ...(excited && { se }) };
        z =
          config.block === 'basic'
            ? basicBlock(z, { filters: width, ...shared })
            : bottleneck(z, { filters: width * EXPANSION, strideIn: options.strideIn ?? '3x3', ...shared });
      }
      return z;
    });
  });
  return y;
}

/** The definition of a ResNet. */
export function defineResnet(name: string, config: ResnetConfig, options: ResnetOptions): ModelDefinition {
  const cifar = config.style === 'cifar';
  const input = options.input ?? (cifar ? [32, 32, 3] : [224, 224, 3]);
  const units = options.classes ?? (cifar ? 10 : 1000);
  const rate = options.dropout ?? 0;
  const build = (images: FeatureMap): FeatureVector => {
    const pooled = globalAvgPool(stages(stem(images, config), config, options));
    return linear(rate === 0 ? pooled : dropout(pooled, { rate }), { units, name: 'fc' });
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes: units } }, build);
}

const cifar = (depth: number, se: boolean): ResnetConfig => {
  const blocks = (depth - 2) / 6;
  return { style: 'cifar', block: 'basic', stages: [blocks, blocks, blocks], se };
};

const imagenet = (block: 'basic' | 'bottleneck', counts: readonly number[], se: boolean): ResnetConfig => ({
  style: 'imagenet',
  block,
  stages: counts,
  se,
});

const family = (se: boolean) =>
  ({
    14: cifar(14, se),
    20: cifar(20, se),
    32: cifar(32, se),
    44: cifar(44, se),
    56: cifar(56, se),
    110: cifar(110, se),
    18: imagenet('basic', [2, 2, 2, 2], se),
    34: imagenet('basic', [3, 4, 6, 3], se),
    50: imagenet('bottleneck', [3, 4, 6, 3], se),
    101: imagenet('bottleneck', [3, 4, 23, 3], se),
    152: imagenet('bottleneck', [3, 8, 36, 3], se),
  }) as const;

/** Depths of the ResNets. */
export type ResnetDepth = keyof ReturnType<typeof family>;
/** Names of the ResNets. */
export type ResnetName = `resnet${ResnetDepth}` | `se_resnet${ResnetDepth}`;

/** Every ResNet by name. */
export const resnets = Object.fromEntries(
  [false, true].flatMap((se) =>
    Object.entries(family(se)).map(([depth, config]) => [`${se ? 'se_' : ''}resnet${depth}`, config]),
  ),
) as Readonly<Record<ResnetName, ResnetConfig>>;
