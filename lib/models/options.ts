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
export interface ModelSqueezeExciteOptions extends ResidualSqueezeExciteOptions {
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
   * Share of the pooled features that training drops before the classifier; default 0, of SENet-154 0.2. Of VGG it is the
   * share of each hidden layer, default 0.5.
   */
  readonly dropout?: number;
}

/** A model of the zoo. */
export interface Architecture {
  /** Whether it has SE blocks. */
  readonly se: boolean;
  /** Number of its stages. */
  readonly stages: number;
  /** Whether a convolution of its blocks can be chosen to have the stride. */
  readonly strideIn: boolean;
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
  const { stages, placement: _, ...se } = options;
  return excited && (stages === undefined || stages.includes(stage + 1)) ? se : undefined;
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

/** An architecture without bottlenecks to choose a stride or a placement in. */
export const plainArchitecture = (
  se: boolean,
  stages: number,
  define: Architecture['define'],
): Architecture => ({ se, stages, strideIn: false, placements: ['standard'], define });
