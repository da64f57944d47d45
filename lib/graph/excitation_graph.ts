/** Inference that gives out what the SE blocks compute on the way: their gates. */
import type { Graph, Node } from '../ir/graph.ts';
import { GraphBuilder } from './builder.ts';
import { decompose } from './passes/decompose.ts';
import { inferenceGraph } from './programs.ts';
import { prune, replay } from './rewrite.ts';

/** An SE block whose gates are one number for each image and channel. */
export interface GatedBlock {
  /** The block's name in the model, such as `layer1.0.se`. */
  readonly name: string;
  readonly channels: number;
}

const WITH_GATES = new Set(['squeeze_excite', 'norm_tail', 'norm_activation']);
/** Place of the second FC layer's weight among the inputs of `excite`. */
const EXPAND = 3;

/** Input: images. Outputs: the gates [batch, C] of each block, in the order of the network. */
export function excitationGraph(forward: Graph, batch: number): { graph: Graph; blocks: GatedBlock[] } {
  const plain = decompose(inferenceGraph(forward, batch), (op) => WITH_GATES.has(op));
  const gates = plain.nodes.filter(({ op }) => op === 'excite');
  const builder = new GraphBuilder();
  const map = replay(plain, builder, () => undefined);
  const graph = prune(builder.finish(gates.map(({ outputs }) => map[outputs[0]!]!)));
  const blockOf = ({ inputs }: Node): GatedBlock => {
    const { name, shape } = plain.values[inputs[EXPAND]!]!;
    // The weight's name without those of the layer in the block and of the tensor.
    return { name: name.split('.').slice(0, -2).join('.'), channels: shape[0]! };
  };
  return { graph, blocks: gates.map(blockOf) };
}
