/**
 * ResNets (He et al. 2016) and ResNeXts (Xie et al. 2017), plain and with squeeze-and-excitation (Hu et al.), and
 * SENet-154, as configurations over shared blocks.
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
  globalAvgPool,
  type ModelDefinition,
  maxPool,
  normTail,
  scope,
} from '../layers/index.ts';
import { type Architecture, classify, excitationOf, type ModelBuildOptions } from './options.ts';

/** What makes one ResNet differ from another. */
interface ResnetConfig {
  readonly style: 'cifar' | 'imagenet';
  readonly block: 'basic' | 'bottleneck';
  /** Blocks in each stage. */
  readonly stages: readonly number[];
  readonly se: boolean;
  /** Groups of the 3x3 convolutions, and the channels of each in the first stage; by default one of 64. */
  readonly groups?: readonly [count: number, channels: number];
  /** What SENet-154 has beside its groups (the paper's appendix). */
  readonly appendix?: boolean;
}

const IMAGENET_WIDTHS = [64, 128, 256, 512];
const CIFAR_WIDTHS = [16, 32, 64];
const EXPANSION = 4;
const APPENDIX_DROPOUT = 0.2;

const convNorm = (x: FeatureMap, filters: number, stride: number, conv: string, bn: string): FeatureMap =>
  normTail(conv2d(x, { filters, kernel: 3, stride, bias: false, name: conv }), { name: bn });

/** Three 3x3 convolutions in place of one of 7x7. */
function deepStem(images: FeatureMap): FeatureMap {
  const first = convNorm(images, 64, 2, 'conv1.0', 'conv1.1');
  const second = convNorm(first, 64, 1, 'conv1.3', 'conv1.4');
  return convNorm(second, 128, 1, 'conv1.6', 'bn1');
}

function stem(
  images: FeatureMap,
  { style, appendix }: ResnetConfig,
  { pool = 'padded' }: ModelBuildOptions,
): FeatureMap {
  if (style === 'cifar') return convNorm(images, 16, 1, 'conv1', 'bn1');
  const wide = { filters: 64, kernel: 7, stride: 2, bias: false, name: 'conv1' } as const;
  const x = appendix ? deepStem(images) : normTail(conv2d(images, wide), { name: 'bn1' });
  const edges = pool === 'ceil' ? { ceil: true } : { padding: 1 };
  return maxPool(x, { kernel: 3, stride: 2, ...edges, name: 'maxpool' });
}

/** Options of the bottlenecks of a stage beside those of all blocks. */
function bottleneckOptions(config: ResnetConfig, planes: number, { strideIn = '3x3' }: ModelBuildOptions) {
  const [groups, channels] = config.groups ?? [1, 64];
  const width = (planes * channels * groups) / 64;
  return {
    filters: planes * EXPANSION,
    width,
    groups,
    strideIn,
    ...(config.appendix && { firstWidth: width / 2, projection: 3 as const }),
  };
}

function stages(x: FeatureMap, config: ResnetConfig, options: ModelBuildOptions): FeatureMap {
  const widths = config.style === 'cifar' ? CIFAR_WIDTHS : IMAGENET_WIDTHS;
  const placement = options.se?.placement;
  let y = x;
  config.stages.forEach((blocks, stage) => {
    const planes = widths[stage]!;
    const se = excitationOf(config.se, options, stage);
    y = scope(y, `layer${stage + 1}`, (start) => {
      let z = start;
      for (let i = 0; i < blocks; i += 1) {
        const shared = {
          stride: stage > 0 && i === 0 ? 2 : 1,
          name: `${i}`,
          ...(se && { se: { ...se, ...(placement && { placement }) } }),
        };
        z =
          config.block === 'basic'
            ? basicBlock(z, { filters: planes, ...shared })
            : bottleneck(z, { ...bottleneckOptions(config, planes, options), ...shared });
      }
      return z;
    });
  });
  return y;
}

function defineResnet(name: string, config: ResnetConfig, options: ModelBuildOptions): ModelDefinition {
  const cifar = config.style === 'cifar';
  const input = options.input ?? (cifar ? [32, 32, 3] : [224, 224, 3]);
  const units = options.classes ?? (cifar ? 10 : 1000);
  const rate = options.dropout ?? (config.appendix ? APPENDIX_DROPOUT : 0);
  const build = (images: FeatureMap): FeatureVector =>
    classify(globalAvgPool(stages(stem(images, config, options), config, options)), rate, units, 'fc');
  return defineModel({ name, input, config: { model: name, ...options, input, classes: units } }, build);
}

const cifar = (depth: number): Omit<ResnetConfig, 'se'> => {
  const blocks = (depth - 2) / 6;
  return { style: 'cifar', block: 'basic', stages: [blocks, blocks, blocks] };
};

const imagenet = (
  block: 'basic' | 'bottleneck',
  counts: readonly number[],
  groups?: readonly [number, number],
): Omit<ResnetConfig, 'se'> => ({ style: 'imagenet', block, stages: counts, ...(groups && { groups }) });

const families = {
  resnet14: cifar(14),
  resnet20: cifar(20),
  resnet32: cifar(32),
  resnet44: cifar(44),
  resnet56: cifar(56),
  resnet110: cifar(110),
  resnet18: imagenet('basic', [2, 2, 2, 2]),
  resnet34: imagenet('basic', [3, 4, 6, 3]),
  resnet50: imagenet('bottleneck', [3, 4, 6, 3]),
  resnet101: imagenet('bottleneck', [3, 4, 23, 3]),
  resnet152: imagenet('bottleneck', [3, 8, 36, 3]),
  resnext26_32x4d: imagenet('bottleneck', [2, 2, 2, 2], [32, 4]),
  resnext50_32x4d: imagenet('bottleneck', [3, 4, 6, 3], [32, 4]),
  resnext101_32x4d: imagenet('bottleneck', [3, 4, 23, 3], [32, 4]),
  resnext101_32x8d: imagenet('bottleneck', [3, 4, 23, 3], [32, 8]),
  resnext101_64x4d: imagenet('bottleneck', [3, 4, 23, 3], [64, 4]),
} as const;

/** Names of the ResNets and ResNeXts, and SENet-154. */
export type ResnetName = `${'' | 'se_'}${keyof typeof families}` | 'senet154';

const architecture = (config: ResnetConfig): Architecture => ({
  se: config.se,
  stages: config.stages.length,
  choices: [
    ...(config.block === 'bottleneck' ? ['strideIn' as const] : []),
    ...(config.style === 'imagenet' ? ['pool' as const] : []),
  ],
  placements: [
    'standard',
    'relu',
    'pre',
    'post',
    'identity',
    ...(config.block === 'bottleneck' ? ['3x3'] : []),
  ],
  define: (name, options) => defineResnet(name, config, options),
});

/** Every one of them by name. */
export const resnets = {
  ...Object.fromEntries(
    Object.entries(families).flatMap(([name, config]) => [
      [name, architecture({ ...config, se: false })],
      [`se_${name}`, architecture({ ...config, se: true })],
    ]),
  ),
  senet154: architecture({
    ...imagenet('bottleneck', [3, 8, 36, 3], [64, 4]),
    se: true,
    appendix: true,
  }),
} as Readonly<Record<ResnetName, Architecture>>;
