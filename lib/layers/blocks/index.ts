export { type BottleneckOptions, basicBlock, bottleneck, type ResidualBlockOptions } from './residual.ts';
