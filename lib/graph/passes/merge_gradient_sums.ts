import { ABSENT, type Graph } from '../../ir/graph.ts';
import { producers, prune, rewrite, useCounts } from '../rewrite.ts';

/** Ops whose second input is added to the first. */
const ADDERS = ['norm_tail_grad', 'norm_activation_grad'];

/**
 * Lets the backward pass of a tail add up the two gradients that reach a block's output (one through the next
 * block, one along its shortcut) instead of an `add` of its own: one pass over memory less per block.
 */
export function mergeGradientSums(graph: Graph): Graph {
  const uses = useCounts(graph);
  const makers = producers(graph);
  // The new ids of each addend, by the old id of its sum.
  const addends = new Map<number, readonly number[]>();
  const merged = rewrite(graph, ({ node, inputs, builder }) => {
    if (node.op === 'add' && uses[node.outputs[0]!] === 1) addends.set(node.outputs[0]!, inputs);
    if (!ADDERS.includes(node.op) || (node.inputs[1] ?? ABSENT) !== ABSENT) return undefined;
    const dy = node.inputs[0]!;
    const pair = makers[dy]?.op === 'add' ? addends.get(dy) : undefined;
    if (pair === undefined || pair[0] === pair[1]) return undefined;
    return builder.emit(node.op, [pair[0]!, pair[1]!, ...inputs.slice(2)], node.attributes);
  });
  return prune(merged);
}
