/** What MobileNetV3 and EfficientNet have in common: stages of inverted residual blocks. */
import {
  type FeatureMap,
  invertedResidual,
  normActivation,
  type SqueezeExciteOptions,
  scope,
} from '../layers/index.ts';
import { excitationOf, type ModelBuildOptions, withReducedWidth } from './options.ts';

/** The activations of these networks. */
export type MobileActivation = 'relu' | 'silu' | 'hard_swish';

/** A stage; its first block has the stride. */
export interface InvertedStage {
  readonly kernel: 3 | 5;
  readonly stride: 1 | 2;
  readonly filters: number;
  /** Channels inside each block; 0 where there is no convolution that expands the input. */
  readonly widths: readonly number[];
  readonly activation: MobileActivation;
  /** Whether it was published with SE blocks. */
  readonly se: boolean;
}

/** How a family has its SE blocks where the user's options say nothing else. */
export interface InvertedExcitation {
  readonly options: SqueezeExciteOptions;
  /** Units of the hidden layer. */
  reducedWidth(input: number, width: number): number;
}

/** The published stages with SE, or those that the user names. */
function stageExcitation(
  excited: boolean,
  stages: readonly InvertedStage[],
  stage: number,
  options: ModelBuildOptions,
): SqueezeExciteOptions | undefined {
  const published = options.se?.stages !== undefined || stages[stage]!.se;
  return published ? excitationOf(excited, options, stage) : undefined;
}

/** All stages, named `blocks` like timm's. */
export function invertedStages(
  x: FeatureMap,
  stages: readonly InvertedStage[],
  excitation: InvertedExcitation | undefined,
  options: ModelBuildOptions,
): FeatureMap {
  const { dropPath = 0 } = options;
  const count = stages.reduce((sum, { widths }) => sum + widths.length, 0);
  let [y, blocks] = [x, 0];
  stages.forEach(({ kernel, stride, filters, widths, activation }, stage) => {
    const chosen = stageExcitation(excitation !== undefined, stages, stage, options);
    widths.forEach((width, i) => {
      const given = { ...excitation?.options, ...chosen };
      const reduced = excitation?.reducedWidth(y.channels, width || y.channels);
      const se = chosen && reduced !== undefined ? withReducedWidth(given, reduced) : undefined;
      y = scope(y, `blocks.${stage}`, (z) =>
        invertedResidual(z, {
          filters,
          kernel,
          stride: i === 0 ? stride : 1,
          activation,
          dropPath: (dropPath * blocks) / count,
          name: `${i}`,
          ...(width > 0 && { width }),
          ...(se && { se }),
        }),
      );
      blocks += 1;
    });
  });
  return y;
}

/** A norm and the activation of stem and head. */
export const activeNorm = (x: FeatureMap, name: string, activation: MobileActivation): FeatureMap =>
  normActivation(x, { name, activation });
