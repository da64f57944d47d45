import { type ShakeBackward, shakeBackwards } from '../ops/shake.ts';
import { expectMap, type FeatureMap, like, type MapFor, type SameChannels } from './feature.ts';
import { checkKeys, readChoice } from './options.ts';
import { expectSameSize } from './same_size.ts';

/**
 * Shake-Shake regularisation (Gastaldi 2017): the mean of two branches, which in training is a random convex combination,
 * another one for each image. Backwards the branches share the gradient by a random number of its own (`'shake'`, the
 * default) or by halves (`'even'`), so that it is not the derivative.
 *
 * @example
 * add(x, shake(branch(x, 'a'), branch(x, 'b')))
 */
export function shake<A extends FeatureMap, B extends FeatureMap>(
  a: A & MapFor<'shake', A>,
  b: B & SameChannels<'shake', A, B>,
  options: { readonly backward?: ShakeBackward } = {},
): A {
  const [first, second] = [expectMap('shake', a), expectMap('shake', b)];
  const { builder } = first;
  checkKeys('shake', options, ['backward']);
  const layer = builder.enter('shake', undefined);
  expectSameSize(layer, first, second);
  const backward = readChoice(`${layer}: backward`, options.backward ?? 'shake', shakeBackwards);
  const { key, stream } = builder.dropoutSource();
  const gradientStream = builder.dropoutSource().stream;
  const id = builder.emit('shake', [first.id, second.id, key], { backward, stream, gradientStream });
  return like(a, id) as A;
}
