import { f32, sameShape } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** Product of two values of one shape, or of a map and a vector [N, C] that scales each of its channels. */
export const multiply: Op = {
  name: 'multiply',
  inputs: ['x', 's'],
  infer(node) {
    const { shape } = node.input(0);
    const factor = node.input(1).shape;
    if (!sameShape(shape, factor)) {
      if (shape.length === 4) {
        node.expect(1, [shape[0]!, shape[3]!], 'one factor per image and channel, or the shape of the map');
      } else {
        node.expect(1, shape, 'the shape of the first factor');
      }
    }
    return [f32(...shape)];
  },
  gradient(c) {
    const dy = c.gradient(0);
    if (c.wants(0)) c.give(0, c.emit('multiply', [dy, c.input(1)])[0]!);
    if (!c.wants(1)) return;
    const broadcast = !sameShape(c.type(c.input(0)).shape, c.type(c.input(1)).shape);
    c.give(1, c.emit(broadcast ? 'multiply_reduce' : 'multiply', [dy, c.input(0)])[0]!);
  },
};

/** Sum over positions of the product of two maps: [N, C]. */
export const multiplyReduce: Op = {
  name: 'multiply_reduce',
  inputs: ['a', 'b'],
  infer(node) {
    const [n, h, w, c] = node.map(0);
    node.expect(1, [n, h, w, c], 'the shape of the first map');
    return [f32(n, c)];
  },
  gradient(c) {
    if (c.wants(0)) c.give(0, c.emit('multiply', [c.input(1), c.gradient(0)])[0]!);
    if (c.wants(1)) c.give(1, c.emit('multiply', [c.input(0), c.gradient(0)])[0]!);
  },
};
