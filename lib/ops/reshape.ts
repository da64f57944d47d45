import { f32, sizeOf } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** The same elements in another shape; for parameters, whose elements lie in the order of their shape. */
export const reshape: Op = {
  name: 'reshape',
  inputs: ['x'],
  infer(node) {
    const { shape } = node.input(0);
    const wanted = node.integers('shape', undefined, 1);
    if (sizeOf(wanted) !== sizeOf(shape)) node.fail(0, `${sizeOf(wanted)} elements`, `${sizeOf(shape)}`);
    return [f32(...wanted)];
  },
  gradient(c) {
    const { shape } = c.type(c.input(0));
    c.give(0, c.emit('reshape', [c.gradient(0)], { shape })[0]!);
  },
};
