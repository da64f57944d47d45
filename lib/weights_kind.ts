/** Which of a model's weights to use. */
import { checkChoice, checkOptions } from './train/check.ts';

/** Weights as training left them, or their moving averages. */
export type WeightsKind = 'trained' | 'ema';

/** Which of the weights to use. */
export interface WeightsOptions {
  /** As training left them (`'trained'`, default), or their moving averages, see {@link CompileOptions.ema}. */
  weights?: WeightsKind;
}

/** Checks which of the weights to use. */
export const checkWeightsKind = (verb: string, weights: unknown = 'trained'): WeightsKind =>
  checkChoice(`${verb}: weights`, weights, ['trained', 'ema']);

/** Checks options that say nothing but which of the weights to use. */
export function checkWeightsOptions(verb: string, options: WeightsOptions): WeightsKind {
  checkOptions(verb, options, ['weights']);
  return checkWeightsKind(verb, options.weights);
}
