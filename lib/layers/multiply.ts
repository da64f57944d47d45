import { ArgumentError, ShapeError } from '../errors.ts';
import { expectFeature, type FactorFor, type Feature, FeatureMap, FeatureVector, like } from './feature.ts';
import { expectSameSize } from './same_size.ts';

/**
 * Product of two features of the same size, or of a map and a vector that scales its channels.
 *
 * @example
 * multiply(x, sigmoid(globalAvgPool(x)))
 */
export function multiply<A extends Feature, B extends Feature>(a: A, b: B & FactorFor<A, B>): A {
  const [first, second] = [expectFeature('multiply', a), expectFeature('multiply', b)];
  const layer = first.builder.enter('multiply', undefined);
  if (first instanceof FeatureMap && second instanceof FeatureVector) {
    if (first.builder !== second.builder)
      throw new ArgumentError(`${layer}: expected two features of one model`);
    if (first.channels !== second.channels) {
      throw new ShapeError(`${layer}: expected a vector of ${first.channels}, received ${second.channels}`);
    }
  } else {
    expectSameSize(layer, first, second);
  }
  return like(a, first.builder.emit('multiply', [first.id, second.id]));
}
