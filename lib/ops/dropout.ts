import { ArgumentRangeError } from '../errors.ts';
import { f32 } from '../ir/graph.ts';
import { type Op, pick } from './op.ts';

/**
 * Zeroes each element, or where `whole` each image, with probability `rate` and scales the others by 1/(1 - rate). Which
 * ones is a pure function of the key, the stream (one per layer) and the index of the element or image (Philox4x32-10),
 * so the gradient needs no mask.
 */
export const dropout: Op = {
  name: 'dropout',
  inputs: ['x', 'key'],
  infer(node) {
    const rate = node.number('rate');
    if (!(rate >= 0 && rate < 1)) {
      throw new ArgumentRangeError(`${node.where}: rate: expected a number in [0, 1), received ${rate}`);
    }
    node.integer('stream', 0);
    node.flag('whole');
    node.expect(1, [2], 'two 32-bit key words');
    return [f32(...node.input(0).shape)];
  },
  gradient(c) {
    c.give(
      0,
      c.emit('dropout', [c.gradient(0), c.input(1)], pick(c.attributes, 'rate', 'stream', 'whole'))[0]!,
    );
  },
};
