import type { Op, OpNode } from './op.ts';

/**
 * Takes one more value into running means: from n values, the first input, to n + 1. mean = value if n is 0, whatever
 * the mean was; else mean += (value - mean) / (n + 1). Writes to the means.
 */
export const accumulate: Op = {
  name: 'accumulate',
  inputs: ['n', '...means and values'],
  infer(node) {
    node.expect(0, [], 'the number of values before');
    expectPairs(node, 1);
    return [];
  },
};

/** Checks that pairs of equal shape follow from an input on. */
export function expectPairs(node: OpNode, first: number): void {
  if ((node.types.length - first) % 2 !== 0)
    node.fail(first, 'pairs of inputs', `${node.types.length - first}`);
  for (let i = first; i < node.types.length; i += 2) {
    node.expect(i + 1, node.input(i).shape, 'the shape of the mean');
  }
}
