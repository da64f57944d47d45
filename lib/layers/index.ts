/** All layers, and the way to make a model of them. */
export { hardSigmoid, hardSwish, relu, relu6, sigmoid, silu, tanh } from './activation.ts';
export { add } from './add.ts';
export { avgPool } from './avg_pool.ts';
export { type BatchNormOptions, batchNorm } from './batch_norm.ts';
export * from './blocks/index.ts';
export { channelShuffle } from './channel_shuffle.ts';
export { channelSlice } from './channel_slice.ts';
export { concat } from './concat.ts';
export { type Conv2dOptions, conv2d } from './conv2d.ts';
export { defineModel, type InputSize } from './define_model.ts';
export { dropPath } from './drop_path.ts';
export { dropout } from './dropout.ts';
export {
  type ChannelsOf,
  type FactorFor,
  type Feature,
  FeatureMap,
  FeatureVector,
  type MapFor,
  type SameChannels,
  type SameFeature,
  type VectorFor,
  type WithChannels,
} from './feature.ts';
export { flatten } from './flatten.ts';
export { globalAvgPool } from './global_avg_pool.ts';
export { globalMaxPool } from './global_max_pool.ts';
export { type LinearOptions, linear } from './linear.ts';
export { maxPool } from './max_pool.ts';
export type { Initializer, ModelBuilder, ModelDefinition, ParameterSpec } from './model_builder.ts';
export { multiply } from './multiply.ts';
export { type NormActivationOptions, normActivation } from './norm_activation.ts';
export {
  type IdentityFor,
  type NormTailOptions,
  normTail,
  type TailSqueezeExciteOptions,
} from './norm_tail.ts';
export type { Padding, Pair } from './options.ts';
export { pad } from './pad.ts';
export type { PoolOptions } from './pool.ts';
export { scale } from './scale.ts';
export { scope } from './scope.ts';
export { shake } from './shake.ts';
export { type SqueezeExciteOptions, squeezeExcite } from './squeeze_excite.ts';
