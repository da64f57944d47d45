import { ABSENT, type Graph } from '../../ir/graph.ts';
import { findOp } from '../../ops/index.ts';
import { rewrite } from '../rewrite.ts';

/**
 * Replaces every node that `wanted` names by its decomposition into plainer ops, and those likewise, until none is
 * left that is wanted and can be decomposed.
 */
export function decompose(graph: Graph, wanted: (op: string) => boolean): Graph {
  let changed = false;
  const result = rewrite(graph, ({ node, input, inputs, builder }) => {
    const rule = findOp(node.op).decompose;
    if (rule === undefined || !wanted(node.op)) return undefined;
    changed = true;
    return rule({
      inputs,
      outputs: [],
      attributes: node.attributes,
      input,
      output: () => ABSENT,
      emit: (op, ids, attributes) => builder.emit(op, ids, attributes),
      type: (id) => builder.type(id),
    });
  });
  return changed ? decompose(result, wanted) : result;
}
