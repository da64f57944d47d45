/**
 * The tails of residual blocks without norms, as in files for inference, where they are folded into the convolutions
 * already, or of blocks that have them ahead: the gate of an SE block behind a pointwise convolution is computed ahead of
 * it, sum and ReLU go into its epilogue.
 */
import { ABSENT, type Graph } from '../../ir/graph.ts';
import { prune, rewrite, useCounts } from '../rewrite.ts';
import { type Conv, convolutionOf, emitFused, gateAhead, isPointwise } from './fold_for_inference.ts';

/** A convolution with its gate and what is added to it, each ABSENT where there is none. */
interface Tail {
  readonly conv: Conv;
  readonly gate: number;
  readonly residual: number;
}

export function fuseNormlessTails(graph: Graph): Graph {
  const uses = useCounts(graph);
  // Both by the value of the old graph that they end at.
  const pointwise = new Map<number, Conv>();
  const tails = new Map<number, Tail>();
  const only = <T>(known: ReadonlyMap<number, T>, id: number): T | undefined =>
    uses[id] === 1 ? known.get(id) : undefined;

  const fused = rewrite(graph, (visit) => {
    const { node, input, builder } = visit;
    const [first, second] = node.inputs as [number, number?];
    const out = node.outputs[0]!;
    if (node.op === 'conv2d') {
      const conv = convolutionOf(visit);
      tails.set(out, { conv, gate: ABSENT, residual: ABSENT });
      if (conv.bias !== ABSENT && isPointwise(conv, builder.type(conv.weight).shape))
        pointwise.set(out, conv);
    }
    if (node.op === 'squeeze_excite' && node.attributes['squeeze'] === 'avg') {
      const conv = only(pointwise, first);
      if (conv === undefined) return undefined;
      const gate = gateAhead(builder, conv, [1, 2, 3, 4].map(input), node.attributes);
      tails.set(out, { conv, gate, residual: ABSENT });
      return [emitFused(builder, conv, gate, ABSENT, false)];
    }
    if (node.op === 'add') {
      const side = [first, second!].findIndex((id) => only(tails, id)?.residual === ABSENT);
      if (side < 0) return undefined;
      const { conv, gate } = tails.get(node.inputs[side]!)!;
      const residual = input(1 - side);
      tails.set(out, { conv, gate, residual });
      return [emitFused(builder, conv, gate, residual, false)];
    }
    if (node.op === 'activation' && node.attributes['kind'] === 'relu') {
      const tail = only(tails, first);
      return tail && [emitFused(builder, tail.conv, tail.gate, tail.residual, true)];
    }
    return undefined;
  });
  return prune(fused);
}
