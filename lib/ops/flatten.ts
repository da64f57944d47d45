import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** A map as a vector [N, C*H*W], in PyTorch's order (C, H, W) so that classifier weights are interchangeable. */
export const flatten: Op = {
  name: 'flatten',
  inputs: ['x'],
  infer(node) {
    const [n, h, w, c] = node.map(0);
    return [f32(n, h * w * c)];
  },
  gradient(c) {
    const [, h, w, channels] = c.type(c.input(0)).shape as [number, number, number, number];
    c.give(0, c.emit('unflatten', [c.gradient(0)], { size: [h, w], channels })[0]!);
  },
};

/** The inverse of `flatten`. */
export const unflatten: Op = {
  name: 'unflatten',
  inputs: ['dy'],
  infer(node) {
    const [n, length] = node.vector(0);
    const [h, w] = node.integers('size', 2, 1) as [number, number];
    const channels = node.integer('channels', 1);
    if (h * w * channels !== length) node.fail(0, `a vector of ${h * w * channels}`, `${length}`);
    return [f32(n, h, w, channels)];
  },
  gradient(c) {
    c.give(0, c.emit('flatten', [c.gradient(0)])[0]!);
  },
};
