import { expectPairs } from './accumulate.ts';
import type { Op } from './op.ts';

/**
 * Moves exponential moving averages towards values: average += (1 - decay) * (value - average). Writes to the averages.
 */
export const emaUpdate: Op = {
  name: 'ema_update',
  inputs: ['...averages and values'],
  infer(node) {
    node.number('decay');
    expectPairs(node, 0);
    return [];
  },
};
