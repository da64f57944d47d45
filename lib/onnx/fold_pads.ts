/** Zeros around a map that the op behind them can put there itself. */
import { producers, prune, rewrite } from '../graph/rewrite.ts';
import type { Attributes, Graph, Node } from '../ir/graph.ts';

const numbers = (attributes: Attributes, key: string): readonly number[] =>
  attributes[key] as readonly number[];

/** How far a window reaches, down and across. */
function reachOf(node: Node, graph: Graph): readonly number[] {
  if (node.op !== 'conv2d') return numbers(node.attributes, 'kernel');
  const [, , height, width] = graph.values[node.inputs[1]!]!.shape as [number, number, number, number];
  const [down, across] = numbers(node.attributes, 'dilation') as [number, number];
  return [down * (height - 1) + 1, across * (width - 1) + 1];
}

/** Whether a pool over the padded map is one over the map itself that pads. */
function poolTakes({ op, attributes }: Node, isPositive: boolean): boolean {
  if (attributes['ceil'] === true) return false;
  // An average over cells that are all there; a maximum that no zero is above.
  return op === 'avg_pool'
    ? attributes['countIncludePad'] === true || numbers(attributes, 'padding').every((side) => side === 0)
    : isPositive;
}

/** The attributes of the node with the padding in them; undefined if it is not the same. */
function withPadding(node: Node, pad: Node, graph: Graph, isPositive: boolean): Attributes | undefined {
  if (node.op !== 'conv2d' && node.op !== 'avg_pool' && node.op !== 'max_pool') return undefined;
  const sides = numbers(pad.attributes, 'padding');
  const padding = numbers(node.attributes, 'padding').map((side, i) => side + sides[i]!);
  const reach = reachOf(node, graph);
  const isWithin = padding.every((side, i) => side < reach[Math.floor(i / 2)]!);
  if (!isWithin || sides.some((side) => side < 0)) return undefined;
  if (node.op !== 'conv2d' && !poolTakes(node, isPositive)) return undefined;
  return { ...node.attributes, padding, ...(node.op === 'avg_pool' && { countIncludePad: true }) };
}

/** The graph with zeros in the padding of convolutions and pools wherever that is the same. */
export function foldPads(graph: Graph): Graph {
  const makers = producers(graph);
  const isPositive = ({ inputs }: Node): boolean => {
    const maker = makers[inputs[0]!];
    return maker?.op === 'activation' && /^relu6?$/.test(String(maker.attributes['kind']));
  };
  /** What a pad is around, in the new graph. */
  const inside = new Map<Node, number>();
  const folded = rewrite(graph, ({ node, input, inputs, builder }) => {
    if (node.op === 'pad') inside.set(node, input(0));
    const pad = makers[node.inputs[0]!];
    if (pad?.op !== 'pad') return undefined;
    const attributes = withPadding(node, pad, graph, isPositive(pad));
    return attributes && builder.emit(node.op, [inside.get(pad)!, ...inputs.slice(1)], attributes);
  });
  return prune(folded);
}
