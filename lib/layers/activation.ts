import type { ActivationKind } from '../ops/activation.ts';
import { expectFeature, type Feature, like } from './feature.ts';

const make =
  (kind: ActivationKind) =>
  <F extends Feature>(x: F): F => {
    const { builder, id } = expectFeature(kind, x);
    builder.enter(kind, undefined);
    return like(x, builder.emit('activation', [id], { kind }));
  };

/** max(x, 0) */
export const relu = make('relu');

/** 1 / (1 + exp(-x)) */
export const sigmoid = make('sigmoid');

/** Hyperbolic tangent. */
export const tanh = make('tanh');
