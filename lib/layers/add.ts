import { expectFeature, type Feature, like, type SameFeature } from './feature.ts';
import { expectSameSize } from './same_size.ts';

/**
 * Sum of two features of the same size.
 *
 * @example
 * add(conv2d(x, { filters: 64, kernel: 3 }), x)
 */
export function add<A extends Feature, B extends Feature>(a: A, b: B & SameFeature<'add', A, B>): A {
  const [first, second] = [expectFeature('add', a), expectFeature('add', b)];
  const layer = first.builder.enter('add', undefined);
  expectSameSize(layer, first, second);
  return like(a, first.builder.emit('add', [first.id, second.id]));
}
