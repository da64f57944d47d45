import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/**
 * The factor that dynamic loss scaling multiplies the loss with, and its inverse: 2^(16 + exponent), from the state
 * [exponent, good steps], which starts as zeros. GPUs only.
 */
export const lossScale: Op = {
  name: 'loss_scale',
  inputs: ['state'],
  infer(node) {
    node.expect(0, [2], 'exponent and good steps');
    return [f32(), f32()];
  },
};

/**
 * Looks for overflow in the gradients. With one, the rest of the step changes nothing and the scale halves; after 2,000
 * steps without, it doubles, up to 2^24. An overflow at a scale of 1 ends the run with a non-finite error. Writes to the
 * state. GPUs only.
 */
export const lossScaleUpdate: Op = {
  name: 'loss_scale_update',
  inputs: ['state', '...gradients'],
  infer(node) {
    node.expect(0, [2], 'exponent and good steps');
    return [];
  },
};
