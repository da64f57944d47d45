/** What the models of the zoo have in common. */
import {
  dropout,
  type FeatureVector,
  type InputSize,
  linear,
  type ModelDefinition,
  type ResidualSqueezeExciteOptions,
  type SqueezeExciteOptions,
} from '../layers/index.ts';

/** Options of the SE blocks of a model. */
export interface ModelSqueezeExciteOptions extends Omit<ResidualSqueezeExciteOptions, 'reduction'> {
  /** The paper's r, for all stages or one for each; default 16. */
  readonly reduction?: number | readonly number[];
  /** Stages that have SE blocks, counted from 1 as in `layer1`; default all. */
  readonly stages?: readonly number[];
}

/** Options of the zoo's models. */
export interface ModelBuildOptions {
  /** Size of the images; default [224, 224, 3], CIFAR style [32, 32, 3]. */
  readonly input?: InputSize;
  /** Default 1000, CIFAR style 10. */
  readonly classes?: number;
  /** Options of the SE blocks; only for models that have them. */
  readonly se?: ModelSqueezeExciteOptions;
  /** Which convolution of a bottleneck has the stride; default `'3x3'`. The paper's ResNet has `'1x1'`. */
  readonly strideIn?: '1x1' | '3x3';
  /**
   * The 3x3 max pool behind an ImageNet style stem: `'padded'` by a cell on each side (default), or `'ceil'`, without
   * padding and rounding up as Caffe does. Networks that were trained in Caffe need `'ceil'`.
   */
  readonly pool?: 'padded' | 'ceil';
  /**
   * Share of the pooled features that training drops before the classifier; default 0, of SENet-154 0.2. Of VGG it is the
   * share of each hidden layer, default 0.5, of MobileNetV3 and EfficientNet 0.2.
   */
  readonly dropout?: number;
  /**
   * Stochastic depth: the probability that training leaves the branch of the last block out for an image; it grows
   * evenly from 0 at the first. Only for MobileNetV3 (default 0) and EfficientNet (default 0.2).
   */
  readonly dropPath?: number;
}

/** A model of the zoo. */
export interface Architecture {
  /** Whether it has SE blocks. */
  readonly se: boolean;
  /** Number of its stages. */
  readonly stages: number;
  /** Options that only some models have, and this one does. */
  readonly choices: readonly ('strideIn' | 'pool' | 'dropPath')[];
  /** Where its SE blocks can be. */
  readonly placements: readonly string[];
  define(name: string, options: ModelBuildOptions): ModelDefinition;
}

/** The SE options of a block in a stage, counted from 0; none where the stage has no SE. */
export function excitationOf(
  excited: boolean,
  { se: options = {} }: ModelBuildOptions,
  stage: number,
): SqueezeExciteOptions | undefined {
  const { stages, placement: _, reduction: given, ...se } = options;
  if (!excited || stages?.includes(stage + 1) === false) return undefined;
  const reduction = typeof given === 'number' ? given : given?.[stage];
  return { ...se, ...(reduction !== undefined && { reduction }) };
}

/**
 * SE options of a family with a rule of its own for the units of the hidden layer, which holds where the user's options
 * give none.
 */
export function withReducedWidth(se: SqueezeExciteOptions, reducedWidth: number): SqueezeExciteOptions {
  const chosen = [se.reduction, se.reducedWidth, se.rule].some((option) => option !== undefined);
  return chosen ? se : { ...se, reducedWidth };
}

/** Dropout, if there is any, and the classifier. */
export function classify(x: FeatureVector, rate: number, units: number, name: string): FeatureVector {
  return linear(rate === 0 ? x : dropout(x, { rate }), { units, name });
}

/** An architecture that leaves no stride, pool or placement to choose. */
export const plainArchitecture = (
  se: boolean,
  stages: number,
  define: Architecture['define'],
): Architecture => ({ se, stages, choices: [], placements: ['standard'], define });

/** A family of one network, under its name without SE and as `se_` with it. */
export function withAndWithoutSe<N extends string>(
  name: N,
  stages: number,
  define: (name: string, excited: boolean, options: ModelBuildOptions) => ModelDefinition,
): Readonly<Record<N | `se_${N}`, Architecture>> {
  const architecture = (se: boolean): Architecture =>
    plainArchitecture(se, stages, (full, options) => define(full, se, options));
  return { [name]: architecture(false), [`se_${name}`]: architecture(true) } as Record<
    N | `se_${N}`,
    Architecture
  >;
}
