/** All layers, and the way to make a model of them. */
export { relu, sigmoid, tanh } from './activation.ts';
export { type BatchNormOptions, batchNorm } from './batch_norm.ts';
export * from './blocks/index.ts';
export { add, channelShuffle, channelSlice, concat, dropout, flatten, multiply, scope } from './combine.ts';
export { type Conv2dOptions, conv2d } from './conv2d.ts';
export { defineModel, type InputSize } from './define_model.ts';
export {
  type Feature,
  FeatureMap,
  FeatureVector,
  type MapFor,
  type SameChannels,
  type VectorFor,
  type WithChannels,
} from './feature.ts';
export { type LinearOptions, linear } from './linear.ts';
export type { Initializer, ModelBuilder, ModelDefinition, ParameterSpec } from './model_builder.ts';
export { type IdentityFor, type NormTailOptions, normTail } from './norm_tail.ts';
export type { Padding, Pair } from './options.ts';
export {
  avgPool,
  type ChannelsOf,
  globalAvgPool,
  globalMaxPool,
  maxPool,
  type PoolOptions,
} from './pool.ts';
export { type SqueezeExciteOptions, squeezeExcite } from './squeeze_excite.ts';
