/** What training does by chance, as inference has it: nothing is dropped, and branches that are shaken are averaged. */
import type { Graph } from '../../ir/graph.ts';
import { dropUnusedInputs, rewrite } from '../rewrite.ts';

/** The graph without random numbers, nor the key that they come from. */
export function withoutChance(graph: Graph): Graph {
  const awake = rewrite(graph, ({ node, input, builder }) => {
    if (node.op === 'dropout') return [input(0)];
    if (node.op !== 'shake') return undefined;
    return builder.emit('scale', builder.emit('add', [input(0), input(1)]), { factor: 0.5 });
  });
  return dropUnusedInputs(awake);
}
