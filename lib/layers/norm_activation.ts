import { ArgumentRangeError } from '../errors.ts';
import { ABSENT } from '../ir/graph.ts';
import { type ActivationKind, activationKinds } from '../ops/activation.ts';
import { expectMap, type FeatureMap, like, type MapFor } from './feature.ts';
import { emitNormTail, type TailSqueezeExciteOptions } from './norm_tail.ts';
import { checkKeys, readChoice, readFlag, readNumber } from './options.ts';
import {
  declareExcitation,
  planSqueezeExcite,
  type SqueezeExciteOptions,
  squeezeExcite,
  squeezeExciteKeys,
  takesAverage,
} from './squeeze_excite.ts';

export interface NormActivationOptions {
  /** Name of the norm. */
  readonly name?: string;
  /** Between norm and SE block; default `'relu'`. */
  readonly activation?: ActivationKind;
  /** The SE block behind the activation. */
  readonly squeezeExcite?: TailSqueezeExciteOptions;
  /** Added to the variance; default 1e-5. */
  readonly eps?: number;
  /** Use the running statistics in training too; default false. */
  readonly frozen?: boolean;
}

const keys = ['name', 'activation', 'squeezeExcite', 'eps', 'frozen'];

/**
 * Batch norm, activation and, if wanted, an SE block behind them, as in the inner width of the blocks of MobileNetV3,
 * EfficientNet and RegNetY. Gives what {@link batchNorm}, the activation and {@link squeezeExcite} give.
 *
 * @example
 * normActivation(x, { activation: 'silu', squeezeExcite: { reducedWidth: 8, hidden: 'silu' } })
 */
export function normActivation<F>(
  x: F & MapFor<'normActivation', F>,
  options: NormActivationOptions = {},
): F & FeatureMap {
  return emitNormActivation(expectMap('normActivation', x), options) as F & FeatureMap;
}

/** The same without the checks of the types, for blocks. */
export function emitNormActivation(x: FeatureMap, options: NormActivationOptions): FeatureMap {
  const { builder, channels } = x;
  checkKeys('normActivation', options, keys);
  const { activation: wanted = 'relu', squeezeExcite: excitation, ...norm } = options;
  const activation = readChoice('normActivation: activation', wanted, activationKinds);
  // A tail of a norm and a ReLU is the same.
  if (activation === 'relu' && excitation === undefined) return emitNormTail(x, norm);

  const layer = builder.enter('bn', options.name);
  const eps = readNumber(`${layer}: eps`, options.eps ?? 1e-5, 0, 1);
  const frozen = readFlag(`${layer}: frozen`, options.frozen ?? false);
  const parameters = builder.norm(layer, channels);
  let weights: number[] = [ABSENT, ABSENT, ABSENT, ABSENT];
  let kinds = {};
  if (excitation !== undefined) {
    checkKeys(`${layer}: squeezeExcite`, excitation, squeezeExciteKeys);
    const se = builder.enter('se', excitation.name);
    const plan = planSqueezeExcite(se, channels, excitation);
    if (plan.squeeze !== 'avg') {
      throw new ArgumentRangeError(
        `${se}: squeeze: expected avg in a normActivation, received ${plan.squeeze}`,
      );
    }
    weights = declareExcitation(builder, se, channels, plan);
    kinds = { gate: plan.gate, hidden: plan.hidden };
  }
  builder.graph.layer = layer;
  const attributes = { eps, activation, training: false, frozen, ...kinds };
  return like(x, builder.emit('norm_activation', [x.id, ...parameters, ...weights], attributes));
}

interface ActiveNormOptions {
  readonly name: string;
  readonly activation?: ActivationKind;
  readonly eps?: number;
  /** The SE block behind the activation, of any kind, or none. */
  readonly se: SqueezeExciteOptions | undefined;
}

/** The same with any SE block, for blocks and models: those that do not squeeze by the average are an op of their own. */
export function emitActiveNorm(x: FeatureMap, { se, ...norm }: ActiveNormOptions): FeatureMap {
  if (se === undefined) return emitNormActivation(x, norm);
  if (takesAverage(se)) return emitNormActivation(x, { ...norm, squeezeExcite: { ...se, squeeze: 'avg' } });
  return squeezeExcite(emitNormActivation(x, norm), se);
}
