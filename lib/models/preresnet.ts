/**
 * ResNets with pre-activation (He et al. 2016, "Identity mappings") and wide ones (Zagoruyko and Komodakis 2016), CIFAR
 * style, plain and with squeeze-and-excitation: 3x3 stem, three stages, a last norm.
 */
import type { FeatureMap, FeatureVector } from '../layers/feature.ts';
import {
  conv2d,
  defineModel,
  globalAvgPool,
  type ModelDefinition,
  normTail,
  preactivationBlock,
  scope,
} from '../layers/index.ts';
import {
  type Architecture,
  classify,
  excitationOf,
  type ModelBuildOptions,
  plainArchitecture,
} from './options.ts';

interface PreresnetConfig {
  /** Blocks in each of the three stages. */
  readonly blocks: number;
  readonly se: boolean;
  /** Output channels of the blocks of the first stage; each stage has twice those of the one before. */
  readonly filters: number;
  /** Channels between the 1x1 convolutions are a quarter of the filters. */
  readonly bottleneck: boolean;
}

const STEM = 16;
const STAGES = 3;

function stages(x: FeatureMap, config: PreresnetConfig, options: ModelBuildOptions): FeatureMap {
  let y = x;
  for (let stage = 0; stage < STAGES; stage += 1) {
    const filters = config.filters * 2 ** stage;
    const se = excitationOf(config.se, options, stage);
    y = scope(y, `layer${stage + 1}`, (start) => {
      let z = start;
      for (let i = 0; i < config.blocks; i += 1) {
        z = preactivationBlock(z, {
          filters,
          stride: stage > 0 && i === 0 ? 2 : 1,
          name: `${i}`,
          ...(config.bottleneck && { width: filters / 4 }),
          ...(se && { se }),
        });
      }
      return z;
    });
  }
  return y;
}

function definePreresnet(name: string, config: PreresnetConfig, options: ModelBuildOptions): ModelDefinition {
  const { input = [32, 32, 3], classes: units = 10, dropout: rate = 0 } = options;
  const build = (images: FeatureMap): FeatureVector => {
    const stem = conv2d(images, { filters: STEM, kernel: 3, bias: false, name: 'conv1' });
    const pooled = globalAvgPool(normTail(stages(stem, config, options), { name: 'bn' }));
    return classify(pooled, rate, units, 'fc');
  };
  return defineModel({ name, input, config: { model: name, ...options, input, classes: units } }, build);
}

const families = {
  preresnet110: { blocks: 18, filters: 16, bottleneck: false },
  preresnet164: { blocks: 18, filters: 64, bottleneck: true },
  wrn16_8: { blocks: 2, filters: 128, bottleneck: false },
} as const;

/** Names of the ResNets with pre-activation. */
export type PreresnetName = `${'' | 'se_'}${keyof typeof families}`;

const architecture = (config: PreresnetConfig): Architecture =>
  plainArchitecture(config.se, STAGES, (name, options) => definePreresnet(name, config, options));

/** Every one of them by name. */
export const preresnets = Object.fromEntries(
  Object.entries(families).flatMap(([name, config]) => [
    [name, architecture({ ...config, se: false })],
    [`se_${name}`, architecture({ ...config, se: true })],
  ]),
) as Readonly<Record<PreresnetName, Architecture>>;
