import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/**
 * What to multiply gradients with so that the norm of all of them together is at most `limit`, by PyTorch's rule:
 * scale * min(1, limit / (norm + 1e-6)), and that norm, scale * sqrt(sum of all squares). Without a scale it is 1.
 */
export const clipFactor: Op = {
  name: 'clip_factor',
  inputs: ['scale?', '...gradients'],
  infer(node) {
    if (node.optional(0) !== undefined) node.expect(0, [], 'a scale');
    if (node.types.length < 2) node.fail(1, 'at least one gradient', 'none');
    node.number('limit');
    return [f32(), f32()];
  },
};
