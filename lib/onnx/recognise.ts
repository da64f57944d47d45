/**
 * Finds squeeze-and-excitation blocks, the tails of residual blocks and norms with activations in a graph of plain ops,
 * and puts the ops with kernels of their own in their place: the decompositions of `squeeze_excite`, `norm_tail` and
 * `norm_activation`, read backwards.
 */
import type { GraphBuilder } from '../graph/builder.ts';
import { producers, prune, rewrite, useCounts } from '../graph/rewrite.ts';
import { ABSENT, type Graph, type Node } from '../ir/graph.ts';
import { gateKinds, hiddenKinds } from '../ops/excite.ts';
import { pick } from '../ops/op.ts';

/** Who makes a value, and how many read it. */
class Structure {
  readonly #makers: readonly (Node | undefined)[];
  readonly #uses: readonly number[];
  readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
    this.#makers = producers(graph);
    this.#uses = useCounts(graph);
  }

  /** The node of that op that makes a value, if nothing else reads it. */
  only(id: number, op: string): Node | undefined {
    const node = this.#makers[id];
    return node?.op === op && this.#uses[id] === 1 ? node : undefined;
  }
}

const SQUEEZES = { global_avg_pool: 'avg', global_max_pool: 'max' } as const;

/** x, w1, b1, w2, b2 of a product that is an SE block, with its attributes. */
function excitation(structure: Structure, product: Node) {
  const [x, gate] = product.inputs as [number, number];
  const last = structure.only(gate, 'activation');
  const kind = gateKinds.find((k) => k === last?.attributes['kind']);
  const second = last && structure.only(last.inputs[0]!, 'linear');
  const middle = second && structure.only(second.inputs[0]!, 'activation');
  const hidden = hiddenKinds.find((k) => k === middle?.attributes['kind']);
  const first = middle && structure.only(middle.inputs[0]!, 'linear');
  if (first === undefined || second === undefined || kind === undefined || hidden === undefined)
    return undefined;
  for (const [op, squeeze] of Object.entries(SQUEEZES)) {
    const pool = structure.only(first.inputs[0]!, op);
    if (pool === undefined || pool.inputs[0] !== x) continue;
    const layer = ({ inputs }: Node) => [inputs[1]!, inputs[2] ?? ABSENT];
    return { inputs: [x, ...layer(first), ...layer(second)], attributes: { squeeze, gate: kind, hidden } };
  }
  return undefined;
}

const PRODUCTS = { sigmoid: 'silu', hard_sigmoid: 'hard_swish' } as const;

/** The graph with activations that were written as a product of a value and its gate. */
function recogniseActivations(graph: Graph): Graph {
  const structure = new Structure(graph);
  const result = rewrite(graph, ({ node, input, builder }) => {
    if (node.op !== 'multiply') return undefined;
    for (const side of [0, 1]) {
      const maker = structure.only(node.inputs[side]!, 'activation');
      const found = Object.entries(PRODUCTS).find(([gate]) => gate === maker?.attributes['kind']);
      if (found === undefined || maker?.inputs[0] !== node.inputs[1 - side]) continue;
      return builder.emit('activation', [input(1 - side)], { kind: found[1] });
    }
    return undefined;
  });
  return prune(result);
}

/** The graph with SE blocks as `squeeze_excite`. */
function recogniseExcitations(graph: Graph): Graph {
  const structure = new Structure(graph);
  const map: number[] = [];
  const result = rewrite(graph, ({ node, inputs, builder }) => {
    for (const [i, id] of node.inputs.entries()) if (id !== ABSENT) map[id] = inputs[i]!;
    const found = node.op === 'multiply' ? excitation(structure, node) : undefined;
    if (found === undefined) return undefined;
    const ids = found.inputs.map((id) => (id === ABSENT ? ABSENT : map[id]!));
    return builder.emit('squeeze_excite', ids, found.attributes);
  });
  return prune(result);
}

/** A norm of a map, alone or under an SE block that squeezes by the average. */
interface Branch {
  readonly norm: Node;
  readonly excite: Node | undefined;
}

function branchOf(structure: Structure, id: number): Branch | undefined {
  const excite = structure.only(id, 'squeeze_excite');
  if (excite !== undefined) return excitedBranch(structure, excite);
  const norm = structure.only(id, 'batch_norm');
  if (norm === undefined || structure.graph.values[norm.inputs[0]!]!.shape.length !== 4) return undefined;
  return { norm, excite: undefined };
}

function excitedBranch(structure: Structure, excite: Node): Branch | undefined {
  if (excite.op !== 'squeeze_excite' || excite.attributes['squeeze'] !== 'avg') return undefined;
  const norm = structure.only(excite.inputs[0]!, 'batch_norm');
  return norm && { norm, excite };
}

/** What ends at a node: the norm, what is added to it, and whether a ReLU follows. */
function tailAt(structure: Structure, node: Node) {
  const relu = node.op === 'activation' && node.attributes['kind'] === 'relu';
  const end = relu ? node.inputs[0]! : node.outputs[0]!;
  const sum = relu ? structure.only(end, 'add') : node.op === 'add' ? node : undefined;
  if (sum === undefined) {
    const branch = relu ? branchOf(structure, end) : excitedBranch(structure, node);
    return branch && { branch, identity: ABSENT, projection: undefined, relu };
  }
  const sides = sum.inputs.map((id) => ({ id, branch: branchOf(structure, id) }));
  // The norm with an SE block, if there is one, is the branch; the other can only be the shortcut's.
  sides.sort((a, b) => Number(b.branch?.excite !== undefined) - Number(a.branch?.excite !== undefined));
  if (sides[0]!.branch === undefined) sides.reverse();
  const [main, other] = sides as [(typeof sides)[0], (typeof sides)[0]];
  if (main.branch === undefined || main.id === other.id) return undefined;
  const projects =
    other.branch?.excite === undefined &&
    other.branch?.norm.attributes['frozen'] === main.branch.norm.attributes['frozen'];
  const projection = projects ? other.branch?.norm : undefined;
  return { branch: main.branch, identity: projection?.inputs[0] ?? other.id, projection, relu };
}

/** A norm of a map and an activation that end at a node, with an SE block behind them if it is one. */
function activatedAt(structure: Structure, node: Node) {
  const excite = node.op === 'squeeze_excite' && node.attributes['squeeze'] === 'avg' ? node : undefined;
  const last = excite === undefined ? node : structure.only(excite.inputs[0]!, 'activation');
  if (last?.op !== 'activation') return undefined;
  const branch = branchOf(structure, last.inputs[0]!);
  if (branch === undefined || branch.excite !== undefined) return undefined;
  return { norm: branch.norm, activation: last.attributes['kind']!, excite };
}

/** The graph with norms, and what rides on them, as `norm_tail` or `norm_activation`. */
function recogniseNorms(graph: Graph): Graph {
  const structure = new Structure(graph);
  const map: number[] = [];
  const at = (ids: readonly number[], count: number) =>
    Array.from({ length: count }, (_, i) => {
      const id = ids[i] ?? ABSENT;
      return id === ABSENT ? ABSENT : map[id]!;
    });
  const emitActivated = (node: Node, builder: GraphBuilder): readonly number[] | undefined => {
    const found = activatedAt(structure, node);
    if (found === undefined) return undefined;
    const { norm, activation, excite } = found;
    return builder.emit('norm_activation', [...at(norm.inputs, 5), ...at(excite?.inputs.slice(1) ?? [], 4)], {
      ...pick(norm.attributes, 'eps', 'frozen'),
      ...(excite && pick(excite.attributes, 'gate', 'hidden')),
      activation,
      training: false,
    });
  };
  const result = rewrite(graph, ({ node, inputs, builder }) => {
    for (const [i, id] of node.inputs.entries()) if (id !== ABSENT) map[id] = inputs[i]!;
    // What ends here goes again when something behind it makes it longer.
    const tail = tailAt(structure, node);
    if (tail === undefined) return emitActivated(node, builder);
    const { branch, projection, identity, relu } = tail;
    const { norm, excite } = branch;
    return builder.emit(
      'norm_tail',
      [
        ...at(norm.inputs, 5),
        ...at([identity], 1),
        ...at(projection?.inputs.slice(1) ?? [], 4),
        ...at(excite?.inputs.slice(1) ?? [], 4),
      ],
      {
        eps: norm.attributes['eps']!,
        eps2: projection?.attributes['eps'] ?? norm.attributes['eps']!,
        relu,
        gate: excite?.attributes['gate'] ?? 'sigmoid',
        hidden: excite?.attributes['hidden'] ?? 'relu',
        training: false,
        frozen: norm.attributes['frozen']!,
      },
    );
  });
  return prune(result);
}

/** The graph with its activations, SE blocks and residual tails in the ops that have kernels of their own. */
export const recogniseTails = (graph: Graph): Graph =>
  recogniseNorms(recogniseExcitations(recogniseActivations(graph)));
