import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** A constant tensor of one value. */
export const fill: Op = {
  name: 'fill',
  inputs: [],
  infer(node) {
    node.number('value');
    return [f32(...node.integers('shape', undefined, 1))];
  },
};
