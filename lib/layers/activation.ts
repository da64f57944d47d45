import type { ActivationKind } from '../ops/activation.ts';
import { expectFeature, type Feature, like } from './feature.ts';

/** The activation of a kind, for blocks that let one choose. */
export function activate<F extends Feature>(x: F, kind: ActivationKind): F {
  const { builder, id } = expectFeature(kind, x);
  builder.enter(kind, undefined);
  return like(x, builder.emit('activation', [id], { kind }));
}

const make =
  (kind: ActivationKind) =>
  <F extends Feature>(x: F): F =>
    activate(x, kind);

/** max(x, 0) */
export const relu = make('relu');

/** 1 / (1 + exp(-x)) */
export const sigmoid = make('sigmoid');

/** Hyperbolic tangent. */
export const tanh = make('tanh');

/** x sigmoid(x), also called swish; EfficientNet's activation. */
export const silu = make('silu');

/** x min(max(x + 3, 0), 6) / 6; MobileNetV3's activation. */
export const hardSwish = make('hard_swish');

/** min(max(x + 3, 0), 6) / 6 */
export const hardSigmoid = make('hard_sigmoid');

/** min(max(x, 0), 6) */
export const relu6 = make('relu6');
