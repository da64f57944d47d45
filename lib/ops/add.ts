import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** Sum of two values of the same shape. */
export const add: Op = {
  name: 'add',
  inputs: ['a', 'b'],
  infer(node) {
    const { shape } = node.input(0);
    node.expect(1, shape, 'the shape of the first summand');
    return [f32(...shape)];
  },
  gradient(c) {
    if (c.wants(0)) c.give(0, c.gradient(0));
    if (c.wants(1)) c.give(1, c.gradient(0));
  },
};
