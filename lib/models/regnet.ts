/**
 * RegNetY (Radosavovic et al. 2020): bottlenecks of grouped 3x3 convolutions whose widths lie on a quantised line, with
 * an SE block behind the ReLU of each 3x3 convolution; and the same without SE. Names and layer names are timm's.
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
import { type ConvNormOptions, convNorm } from './conv_norm.ts';
import {
  type Architecture,
  classify,
  excitationOf,
  type ModelBuildOptions,
  plainArchitecture,
  withReducedWidth,
} from './options.ts';

/** What the widths and depths of the stages follow from. */
interface RegnetConfig {
  /** Blocks in all. */
  readonly depth: number;
  /** Width of the first block, and what each block adds to it before it is quantised. */
  readonly width: number;
  readonly slope: number;
  /** Ratio of the widths of neighbouring stages. */
  readonly multiplier: number;
  /** Channels of a group of the 3x3 convolutions. */
  readonly groupWidth: number;
}

const STEM = 32;
const STAGES = 4;
/** Hidden units of an SE block, as a share of the block's input channels. */
const SE_RATIO = 0.25;

/** Ties go to the even neighbour, which decides widths of the 600MF and 800MF networks. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Width and number of blocks of each stage. Block i would have width + slope * i channels; that becomes the nearest
 * power of the multiplier times the first width, then the nearest multiple of 8, then of the group width. Blocks of
 * one width are a stage.
 */
function stagesOf({ depth, width, slope, multiplier, groupWidth }: RegnetConfig) {
  const counts = new Map<number, number>();
  for (let i = 0; i < depth; i += 1) {
    const power = Math.round(Math.log((width + slope * i) / width) / Math.log(multiplier));
    const quantised = Math.round((width * multiplier ** power) / 8) * 8;
    counts.set(quantised, (counts.get(quantised) ?? 0) + 1);
  }
  return [...counts].map(([quantised, blocks]) => ({
    filters: roundHalfEven(quantised / groupWidth) * groupWidth,
    blocks,
  }));
}

interface BlockOptions {
  readonly filters: number;
  readonly stride: number;
  readonly groupWidth: number;
  readonly se: SqueezeExciteOptions | undefined;
}

/** Convolution, norm and ReLU under timm's names. */
const layer = (x: FeatureMap, name: string, conv: Omit<ConvNormOptions, 'name' | 'norm'>): FeatureMap =>
  convNorm(x, { ...conv, name: `${name}.conv`, norm: `${name}.bn` });

function block(x: FeatureMap, { filters, stride, groupWidth, se }: BlockOptions): FeatureMap {
  const pointwise = { filters, kernel: 1, padding: 'valid', bias: false } as const;
  const first = layer(x, 'conv1', { filters, kernel: 1, padding: 'valid' });
  const inside = layer(first, 'conv2', {
    ...{ filters, kernel: 3, stride, groups: filters / groupWidth },
    ...(se && { se: { name: 'se', ...withReducedWidth(se, roundHalfEven(x.channels * SE_RATIO)) } }),
  });
  const last = conv2d(inside, { ...pointwise, name: 'conv3.conv' });
  if (stride === 1 && x.channels === filters) return normTail(last, { name: 'conv3.bn', identity: x });
  const shortcut = conv2d(x, { ...pointwise, stride, name: 'downsample.conv' });
  return normTail(last, { name: 'conv3.bn', identity: shortcut, identityNorm: 'downsample.bn' });
}

function defineRegnet(
  name: string,
  config: RegnetConfig,
  excited: boolean,
  options: ModelBuildOptions,
): ModelDefinition {
  const { input = [224, 224, 3], classes = 1000, dropout: rate = 0 } = options;
  const { groupWidth } = config;
  const build = (images: FeatureMap): FeatureVector => {
    let x = layer(images, 'stem', { filters: STEM, kernel: 3, stride: 2 });
    stagesOf(config).forEach(({ filters, blocks }, stage) => {
      const se = excitationOf(excited, options, stage);
      for (let i = 0; i < blocks; i += 1) {
        const stride = i === 0 ? 2 : 1;
        x = scope(x, `s${stage + 1}.b${i + 1}`, (y) => block(y, { filters, stride, groupWidth, se }));
      }
    });
    return classify(globalAvgPool(x), rate, classes, 'head.fc');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes } }, build);
}

// The paper's table of RegNetY; a name ends in the multiply-adds of the network, in hundreds of millions.
const families = {
  regnety_004: { depth: 16, width: 48, slope: 27.89, multiplier: 2.09, groupWidth: 8 },
  regnety_006: { depth: 15, width: 48, slope: 32.54, multiplier: 2.32, groupWidth: 16 },
  regnety_008: { depth: 14, width: 56, slope: 38.84, multiplier: 2.4, groupWidth: 16 },
  regnety_016: { depth: 27, width: 48, slope: 20.71, multiplier: 2.65, groupWidth: 24 },
  regnety_032: { depth: 21, width: 80, slope: 42.63, multiplier: 2.66, groupWidth: 24 },
  regnety_040: { depth: 22, width: 96, slope: 31.41, multiplier: 2.24, groupWidth: 64 },
  regnety_080: { depth: 17, width: 192, slope: 76.82, multiplier: 2.19, groupWidth: 56 },
  regnety_160: { depth: 18, width: 200, slope: 106.23, multiplier: 2.48, groupWidth: 112 },
} as const;

/** Names of the RegNetYs. */
export type RegnetName = `${'' | 'plain_'}${keyof typeof families}`;

const architecture = (config: RegnetConfig, se: boolean): Architecture =>
  plainArchitecture(se, STAGES, (name, options) => defineRegnet(name, config, se, options));

/** Every one of them by name. */
export const regnets = Object.fromEntries(
  Object.entries(families).flatMap(([name, config]) => [
    [name, architecture(config, true)],
    [`plain_${name}`, architecture(config, false)],
  ]),
) as Readonly<Record<RegnetName, Architecture>>;
