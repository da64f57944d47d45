export { type InvertedResidualOptions, invertedResidual } from './inverted_residual.ts';
export { type PreactivationOptions, preactivationBlock } from './preactivation.ts';
export {
  type BottleneckOptions,
  basicBlock,
  bottleneck,
  type ResidualBlockOptions,
  type ResidualSqueezeExciteOptions,
  type SqueezeExcitePlacement,
} from './residual.ts';
