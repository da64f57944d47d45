import { expectFeature, type Feature, like } from './feature.ts';
import { checkKeys, readFlag, readNumber } from './options.ts';

export interface BatchNormOptions {
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Always normalise by the running statistics, in training too; default false. */
  readonly frozen?: boolean;
  readonly name?: string;
}

/** Batch normalisation of a map or vector over everything but its channels. */
export function batchNorm<F extends Feature>(x: F, options: BatchNormOptions = {}): F {
  const feature = expectFeature('batchNorm', x);
  checkKeys('batchNorm', options, ['eps', 'frozen', 'name']);
  const { builder } = feature;
  const layer = builder.enter('bn', options.name);
  const eps = readNumber(`${layer}: eps`, options.eps ?? 1e-5, 0, 1);
  const frozen = readFlag(`${layer}: frozen`, options.frozen ?? false);
  const norm = builder.norm(layer, feature.channels);
  return like(x, builder.emit('batch_norm', [feature.id, ...norm], { eps, training: false, frozen }));
}
