/** The zoo and what is known of its models. */
export { buildModel, listModels, type ModelBuildOptions, type ModelName } from './registry.ts';
export type { ResnetDepth, ResnetName, ResnetOptions, ResnetSqueezeExciteOptions } from './resnet.ts';
export { formatSummary, type ModelSummary, type SummaryRow, summarize } from './summary.ts';
