/** Ways from one graph to another: every pass is a walk over the nodes that emits something else for some of them. */
import { ABSENT, type Graph, type Node, type Value } from '../ir/graph.ts';
import { GraphBuilder } from './builder.ts';

/** A node met on the walk, with its inputs already those of the new graph. */
export interface Visit {
  readonly node: Node;
  /** Id in the new graph of an input, ABSENT when it is not given. */
  input(position: number): number;
  readonly inputs: readonly number[];
  readonly builder: GraphBuilder;
}

/** Emits what stands for the node and returns the ids of its outputs; undefined keeps the node as it is. */
export type Visitor = (visit: Visit) => readonly number[] | undefined;

/** Maps and vectors have one entry for each image; the key of dropout is one for all. */
const isBatched = ({ kind, shape }: Value): boolean => kind === 'input' && shape.length > 1;

interface ReplayOptions {
  /** New first dimension of the inputs that have one entry for each image. */
  readonly batch?: number;
  /** Which inputs, parameters and states to take over; default: all. */
  readonly keep?: (value: Value) => boolean;
}

function copySources(
  graph: Graph,
  builder: GraphBuilder,
  map: number[],
  { batch, keep }: ReplayOptions,
): void {
  for (const value of graph.values) {
    if (value.kind === 'intermediate' || keep?.(value) === false) continue;
    const shape = batch !== undefined && isBatched(value) ? [batch, ...value.shape.slice(1)] : value.shape;
    map[value.id] = builder[value.kind](value.name, { shape, dtype: value.dtype });
  }
}

/** Walks over a graph into a builder; returns the new id of each old value. */
export function replay(
  graph: Graph,
  builder: GraphBuilder,
  visitor: Visitor,
  options: ReplayOptions = {},
): number[] {
  const map: number[] = new Array(graph.values.length).fill(ABSENT);
  copySources(graph, builder, map, options);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((id) => (id === ABSENT ? ABSENT : map[id]!));
    builder.layer = node.layer;
    const input = (position: number) => inputs[position] ?? ABSENT;
    const outputs =
      visitor({ node, input, inputs, builder }) ?? builder.emit(node.op, inputs, node.attributes);
    node.outputs.forEach((id, i) => {
      if (id !== ABSENT) map[id] = outputs[i] ?? ABSENT;
    });
  }
  return map;
}

/** The graph that the visitor makes of this one. */
export function rewrite(graph: Graph, visitor: Visitor, keep?: (value: Value) => boolean): Graph {
  const builder = new GraphBuilder();
  const map = replay(graph, builder, visitor, keep === undefined ? {} : { keep });
  return builder.finish(graph.outputs.map((id) => map[id]!));
}

/** The same graph for another batch size: the first dimension of every input. */
export function withBatch(graph: Graph, batch: number): Graph {
  const builder = new GraphBuilder();
  const map = replay(graph, builder, () => undefined, { batch });
  return builder.finish(graph.outputs.map((id) => map[id]!));
}

/** How many nodes and graph outputs read each value. */
export function useCounts(graph: Graph): number[] {
  const counts: number[] = new Array(graph.values.length).fill(0);
  for (const node of graph.nodes) {
    for (const id of node.inputs) if (id !== ABSENT) counts[id]! += 1;
  }
  for (const id of graph.outputs) counts[id]! += 1;
  return counts;
}

/** The node that computes each value, undefined for inputs, parameters and states. */
export function producers(graph: Graph): (Node | undefined)[] {
  const result: (Node | undefined)[] = new Array(graph.values.length).fill(undefined);
  for (const node of graph.nodes) {
    for (const id of node.outputs) if (id !== ABSENT) result[id] = node;
  }
  return result;
}

/** The graph without nodes whose outputs nobody reads; nodes without outputs act on tensors and stay. */
export function prune(graph: Graph): Graph {
  const needed = new Set<number>(graph.outputs);
  const kept = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (node.outputs.length > 0 && !node.outputs.some((id) => needed.has(id))) continue;
    kept.add(node);
    for (const id of node.inputs) needed.add(id);
  }
  return rewrite({ ...graph, nodes: graph.nodes.filter((node) => kept.has(node)) }, () => undefined);
}

/** The graph without inputs that nothing reads, such as the key of a model whose dropout is gone. */
export function dropUnusedInputs(graph: Graph): Graph {
  const uses = useCounts(graph);
  return rewrite(
    graph,
    () => undefined,
    ({ id, kind }) => kind !== 'input' || uses[id]! > 0,
  );
}
