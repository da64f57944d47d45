import { expectFeature, type Feature, like } from './feature.ts';
import { checkKeys, readNumber } from './options.ts';

/**
 * A constant times a map or vector.
 *
 * @example
 * add(scale(branch, { factor: 0.1 }), x)
 */
export function scale<F extends Feature>(x: F, options: { readonly factor: number }): F {
  const { builder, id } = expectFeature('scale', x);
  checkKeys('scale', options, ['factor']);
  const layer = builder.enter('scale', undefined);
  const factor = readNumber(`${layer}: factor`, options.factor, -Number.MAX_VALUE, Number.MAX_VALUE);
  return like(x, builder.emit('scale', [id], { factor }));
}
