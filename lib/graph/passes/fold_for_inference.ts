/**
 * Inference passes: batch norm disappears into the convolution before it, ReLU and shortcut into its epilogue, and
 * the gate is computed ahead of it where that is possible.
 *
 * Gate ahead: a 1x1 convolution is linear, so the mean over positions of its output is its weight times the mean of
 * its input. The squeeze therefore needs only the (smaller) input of the convolution, its weight merges with the
 * first FC layer ahead of time, and the gate is known before the convolution runs, which applies it.
 */
import { ABSENT, type Attributes, type Graph, type Node } from '../../ir/graph.ts';
import { pick } from '../../ops/op.ts';
import type { GraphBuilder } from '../builder.ts';
import { producers, prune, rewrite, useCounts, type Visit } from '../rewrite.ts';

const CONV_ATTRIBUTES = ['stride', 'padding', 'dilation', 'groups'] as const;

/** A convolution of the new graph: its operands and geometry, kept so that it can be emitted anew with more in it. */
export interface Conv {
  readonly x: number;
  readonly weight: number;
  readonly bias: number;
  readonly geometry: Node['attributes'];
}

/** The convolution that a node of the old graph becomes. */
export function convolutionOf({ node, input }: Visit): Conv {
  const geometry = Object.fromEntries(CONV_ATTRIBUTES.map((key) => [key, node.attributes[key]!]));
  return { x: input(0), weight: input(1), bias: input(2), geometry };
}

export const isPointwise = ({ geometry }: Conv, [, , kh, kw]: readonly number[]): boolean =>
  kh === 1 &&
  kw === 1 &&
  geometry['groups'] === 1 &&
  [geometry['stride'], geometry['padding']].flat().join() === '1,1,0,0,0,0';

/** Weight and bias of the convolution with the norm folded in; `norm` is gamma, beta, running mean, running variance. */
function fold(builder: GraphBuilder, conv: Conv, norm: readonly number[], eps: number): Conv {
  const [weight, bias] = builder.emit('fold_batch_norm', [conv.weight, conv.bias, ...norm], { eps });
  return { ...conv, weight: weight!, bias: bias! };
}

/** The convolution with a gate [N, K] and a map that is added, or ABSENT. */
export function emitFused(
  builder: GraphBuilder,
  conv: Conv,
  gate: number,
  residual: number,
  relu: boolean,
): number {
  return builder.emit('conv2d_fused', [conv.x, conv.weight, conv.bias, gate, residual], {
    ...conv.geometry,
    relu,
  })[0]!;
}

/** The gate of a pointwise convolution's output, from the convolution's input. */
export function gateAhead(
  builder: GraphBuilder,
  conv: Conv,
  se: readonly number[],
  attributes: Attributes,
): number {
  const [w1, b1, w2, b2] = se as [number, number, number, number];
  const [k, c] = builder.type(conv.weight).shape as [number, number];
  const reduced = builder.type(w1).shape[0]!;
  const matrix = builder.emit('reshape', [conv.weight], { shape: [k, c] })[0]!;
  const merged = builder.emit('matmul', [w1, matrix])[0]!;
  const offset = builder.emit('reshape', [conv.bias], { shape: [1, k] })[0]!;
  const shifted = builder.emit('linear', b1 === ABSENT ? [offset, w1] : [offset, w1, b1])[0]!;
  const bias = builder.emit('reshape', [shifted], { shape: [reduced] })[0]!;
  const squeezed = builder.emit('global_avg_pool', [conv.x])[0]!;
  // The merged layer always has a bias; the second one needs one beside it only if it had one.
  return builder.emit('excite', [squeezed, merged, bias, w2, b2], {
    ...pick(attributes, 'gate', 'hidden'),
    training: false,
  })[0]!;
}

/** Folds norms into convolutions; the convolutions they replace are left for `prune`. */
export function foldForInference(graph: Graph): Graph {
  const uses = useCounts(graph);
  const convs = new Map<number, Conv>();

  const convOf = (id: number): Conv | undefined => (uses[id] === 1 ? convs.get(id) : undefined);

  const foldTail = ({ node, input, builder }: Visit): readonly number[] | undefined => {
    const conv = convOf(node.inputs[0]!);
    if (conv === undefined) return undefined;
    const at = (from: number) => [0, 1, 2, 3].map((i) => input(from + i));
    const identityConv = input(6) === ABSENT ? undefined : convOf(node.inputs[5]!);
    if (input(6) !== ABSENT && identityConv === undefined) return undefined;
    const hasGate = input(10) !== ABSENT;
    if (hasGate && !isPointwise(conv, builder.type(conv.weight).shape)) return undefined;

    const folded = fold(builder, conv, at(1), Number(node.attributes['eps']));
    let residual = input(5);
    if (identityConv !== undefined) {
      const shortcut = fold(builder, identityConv, at(6), Number(node.attributes['eps2']));
      residual = emitFused(builder, shortcut, ABSENT, ABSENT, false);
    }
    const gate = hasGate ? gateAhead(builder, folded, at(10), node.attributes) : ABSENT;
    return [emitFused(builder, folded, gate, residual, node.attributes['relu'] === true)];
  };

  const foldActivation = ({ node, input, builder }: Visit): readonly number[] | undefined => {
    const conv = convOf(node.inputs[0]!);
    if (conv === undefined) return undefined;
    const kind = node.attributes['activation']!;
    const plain = fold(builder, conv, [1, 2, 3, 4].map(input), Number(node.attributes['eps']));
    const z = emitFused(builder, plain, ABSENT, ABSENT, kind === 'relu');
    const t = kind === 'relu' ? z : builder.emit('activation', [z], { kind })[0]!;
    if (input(5) === ABSENT) return [t];
    const attributes = { squeeze: 'avg', ...pick(node.attributes, 'gate', 'hidden') };
    return builder.emit('squeeze_excite', [t, ...[5, 6, 7, 8].map(input)], attributes);
  };

  const folded = rewrite(graph, (visit) => {
    const { node, input, builder } = visit;
    if (node.op === 'conv2d') {
      convs.set(node.outputs[0]!, convolutionOf(visit));
    }
    if (node.op === 'norm_tail') return foldTail(visit);
    if (node.op === 'norm_activation') return foldActivation(visit);
    if (node.op === 'batch_norm') {
      const conv = convOf(node.inputs[0]!);
      if (conv === undefined) return undefined;
      const plain = fold(builder, conv, [1, 2, 3, 4].map(input), Number(node.attributes['eps']));
      return [emitFused(builder, plain, ABSENT, ABSENT, false)];
    }
    return undefined;
  });
  return prune(absorbRelu(prune(folded)));
}

/** Moves a ReLU that follows a fused convolution into it. */
function absorbRelu(graph: Graph): Graph {
  const uses = useCounts(graph);
  const makers = producers(graph);
  return rewrite(graph, ({ node, builder, input }) => {
    const maker = makers[node.inputs[0] ?? ABSENT];
    if (node.op !== 'activation' || node.attributes['kind'] !== 'relu') return undefined;
    if (maker?.op !== 'conv2d_fused' || uses[node.inputs[0]!] !== 1) return undefined;
    const last = builder.nodes.find((n) => n.outputs[0] === input(0));
    if (last === undefined) return undefined;
    return builder.emit('conv2d_fused', last.inputs, { ...last.attributes, relu: true });
  });
}
