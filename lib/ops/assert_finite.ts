import type { Op } from './op.ts';

/** Ends the run with a non-finite error, which names the first bad input, unless all inputs are finite. */
export const assertFinite: Op = {
  name: 'assert_finite',
  inputs: ['...values'],
  infer(node) {
    node.text('what', ['input', 'loss', 'gradient']);
    return [];
  },
};
