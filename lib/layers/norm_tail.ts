import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import { ABSENT } from '../ir/graph.ts';
import { expectMap, FeatureMap, type MapFor, type SameChannels } from './feature.ts';
import { checkKeys, readFlag, readNumber } from './options.ts';
import {
  declareExcitation,
  planSqueezeExcite,
  type SqueezeExciteOptions,
  type SqueezeExcitePlan,
  squeezeExciteKeys,
} from './squeeze_excite.ts';

const EPS = 1e-5;

/** An SE block whose squeeze is the average, which follows from the statistics of the norm before it. */
export interface TailSqueezeExciteOptions extends SqueezeExciteOptions {
  readonly squeeze?: 'avg';
}

/** What rides on the passes of a batch norm. */
export interface NormTailOptions {
  /** Name of the norm. */
  readonly name?: string;
  /** Added after the gate: the block's shortcut. */
  readonly identity?: FeatureMap;
  /** Name of a norm for `identity`, which is then the output of the shortcut's convolution. */
  readonly identityNorm?: string;
  /** The SE block between norm and sum. */
  readonly squeezeExcite?: TailSqueezeExciteOptions;
  /** Added to the variances; default 1e-5. */
  readonly eps?: number;
  /** ReLU at the end; default true. */
  readonly relu?: boolean;
  /** Use the running statistics in training too; default false. */
  readonly frozen?: boolean;
}

const keys = ['name', 'identity', 'identityNorm', 'squeezeExcite', 'eps', 'relu', 'frozen'];

/**
 * The tail of a residual block in one op: `relu(SE(batchNorm(x)) + identity)`, or any part of it. Gives what the plain
 * layers give, in two passes over memory forward and two backward, however much rides along.
 */
export function normTail<F, I extends FeatureMap = FeatureMap>(
  x: F & MapFor<'normTail', F>,
  options?: Omit<NormTailOptions, 'identity'> & { readonly identity?: I & IdentityFor<F, I> },
): F & FeatureMap {
  const given: NormTailOptions = options ?? {};
  checkKeys('normTail', given, keys);
  return emitNormTail(expectMap('normTail', x), given) as F & FeatureMap;
}

/** An identity with the channels of the map it is added to, or a sentence for the compiler to show. */
export type IdentityFor<F, I extends FeatureMap> = F extends FeatureMap
  ? SameChannels<'normTail', F, I>
  : unknown;

/** The same without the checks of the types, for blocks. */
export function emitNormTail(x: FeatureMap, options: NormTailOptions): FeatureMap {
  const { builder, channels } = x;
  const layer = builder.enter('bn', options.name);
  const identity =
    options.identity === undefined ? undefined : expectMap(`${layer}: identity`, options.identity);
  if (identity !== undefined && identity.builder !== builder) {
    throw new ArgumentError(`${layer}: identity: expected a feature of this model`);
  }
  const norm = builder.norm(layer, channels);
  const absent = [ABSENT, ABSENT, ABSENT, ABSENT];
  const { identityNorm, squeezeExcite } = options;
  const projected =
    identityNorm === undefined ? absent : builder.norm(builder.enter('bn', identityNorm), channels);
  let weights = absent;
  let kinds: Pick<SqueezeExcitePlan, 'gate' | 'hidden'> = { gate: 'sigmoid', hidden: 'relu' };
  if (squeezeExcite !== undefined) {
    checkKeys(`${layer}: squeezeExcite`, squeezeExcite, squeezeExciteKeys);
    const se = builder.enter('se', squeezeExcite.name);
    const plan = planSqueezeExcite(se, channels, squeezeExcite);
    if (plan.squeeze !== 'avg') {
      throw new ArgumentRangeError(`${se}: squeeze: expected avg in a normTail, received ${plan.squeeze}`);
    }
    weights = declareExcitation(builder, se, channels, plan);
    kinds = plan;
  }
  const eps = readNumber(`${layer}: eps`, options.eps ?? EPS, 0, 1);
  builder.graph.layer = layer;
  const id = builder.emit('norm_tail', [x.id, ...norm, identity?.id ?? ABSENT, ...projected, ...weights], {
    eps,
    eps2: eps,
    relu: readFlag(`${layer}: relu`, options.relu ?? true),
    gate: kinds.gate,
    hidden: kinds.hidden,
    training: false,
    frozen: readFlag(`${layer}: frozen`, options.frozen ?? false),
  });
  return new FeatureMap(builder, id, channels);
}
