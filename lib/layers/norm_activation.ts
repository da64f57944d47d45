import { ArgumentRangeError } from '../errors.ts';
import { ABSENT } from '../ir/graph.ts';
import { type ActivationKind, activationKinds } from '../ops/activation.ts';
import { expectMap, type FeatureMap, like, type MapFor } from './feature.ts';
import { emitNormTail, type TailSqueezeExciteOptions } from './norm_tail.ts';
import { checkKeys, readChoice, readFlag, readNumber } from './options.ts';
import { declareExcitation, planSqueezeExcite, squeezeExciteKeys } from './squeeze_excite.ts';

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
  const map = expectMap('normActivation', x);
  const { builder, channels } = map;
  checkKeys('normActivation', options, keys);
  const { activation: wanted = 'relu', squeezeExcite, ...norm } = options;
  const activation = readChoice('normActivation: activation', wanted, activationKinds);
  // A tail of a norm and a ReLU is the same.
  if (activation === 'relu' && squeezeExcite === undefined) return emitNormTail(map, norm) as F & FeatureMap;

  const layer = builder.enter('bn', options.name);
  const eps = readNumber(`${layer}: eps`, options.eps ?? 1e-5, 0, 1);
  const frozen = readFlag(`${layer}: frozen`, options.frozen ?? false);
  const parameters = builder.norm(layer, channels);
  let weights: number[] = [ABSENT, ABSENT, ABSENT, ABSENT];
  let kinds = {};
  if (squeezeExcite !== undefined) {
    checkKeys(`${layer}: squeezeExcite`, squeezeExcite, squeezeExciteKeys);
    const se = builder.enter('se', squeezeExcite.name);
    const plan = planSqueezeExcite(se, channels, squeezeExcite);
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
  return like(map, builder.emit('norm_activation', [map.id, ...parameters, ...weights], attributes)) as F &
    FeatureMap;
}
