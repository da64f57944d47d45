/** The zoo and what is known of its models. */
export type { AliasName } from './aliases.ts';
export type { BnInceptionName } from './bn_inception.ts';
export type { EfficientnetName } from './efficientnet.ts';
export type { InceptionResnetName } from './inception_resnet.ts';
export type { MobilenetName } from './mobilenet.ts';
export type { Mobilenetv3Name } from './mobilenetv3.ts';
export type { ModelBuildOptions, ModelSqueezeExciteOptions } from './options.ts';
export type { PreresnetName } from './preresnet.ts';
export { buildModel, listModels, type ModelName } from './registry.ts';
export type { RegnetName } from './regnet.ts';
export type { ResnetName } from './resnet.ts';
export type { ShakeName } from './shake.ts';
export type { ShufflenetName } from './shufflenet.ts';
export { formatSummary, type ModelSummary, type SummaryRow, summarize } from './summary.ts';
export type { VggName } from './vgg.ts';
