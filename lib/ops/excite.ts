import { ABSENT, f32 } from '../ir/graph.ts';
import { type Op, type OpNode, pick, trim } from './op.ts';

/** The gates of the paper's Table XII, and the one of MobileNetV3. */
export const gateKinds = ['sigmoid', 'tanh', 'relu', 'hard_sigmoid'] as const;
export type GateKind = (typeof gateKinds)[number];

/** Activations of the hidden layer: the paper's, and the one of EfficientNet. */
export const hiddenKinds = ['relu', 'silu'] as const;
export type HiddenKind = (typeof hiddenKinds)[number];

/**
 * Checks the two FC layers of an excitation that start at input `at`, from `width` squeezed values to `channels` gates;
 * returns the reduced width.
 */
export function expectExcitation(node: OpNode, at: number, width: number, channels = width): number {
  const { shape } = node.input(at);
  if (shape.length !== 2 || shape[1] !== width) node.fail(at, `a weight [R, ${width}]`, shape.join('x'));
  const reduced = shape[0]!;
  if (node.optional(at + 1)) node.expect(at + 1, [reduced], 'one bias per reduced channel');
  node.expect(at + 2, [channels, reduced], 'the second FC layer, [C, R]');
  if (node.optional(at + 3)) node.expect(at + 3, [channels], 'one bias per channel');
  node.text('gate', gateKinds);
  node.text('hidden', hiddenKinds);
  return reduced;
}

/**
 * The excitation (paper, Eq. 3): s = gate(W2 act(v) + b2), v = W1 q + b1, act a ReLU or SiLU; q [N, Q], s [N, C]; Q = C
 * but for a gate that is computed ahead of the convolution it gates. Gives out v, the hidden layer before its
 * activation, in training.
 */
export const excite: Op = {
  name: 'excite',
  inputs: ['q', 'w1', 'b1?', 'w2', 'b2?'],
  trainingAttributes: { training: true },
  infer(node) {
    const [n, width] = node.vector(0);
    const channels = node.input(3).shape[0] ?? 0;
    const reduced = expectExcitation(node, 1, width, channels);
    return [f32(n, channels), node.flag('training') ? f32(n, reduced) : undefined];
  },
  gradient(c) {
    const bias = c.input(2) !== ABSENT;
    const [dq, dw1, db1, dw2, db2] = c.emit(
      'excite_grad',
      [c.gradient(0), c.input(0), c.output(1), c.output(0), c.input(1), c.input(3)],
      { ...pick(c.attributes, 'gate', 'hidden'), bias },
    );
    c.give(0, dq!);
    c.give(1, dw1!);
    c.give(3, dw2!);
    if (bias) {
      c.give(2, db1!);
      c.give(4, db2!);
    }
  },
  decompose(c) {
    const hidden = c.emit('linear', trim([c.input(0), c.input(1), c.input(2)]))[0]!;
    const active = c.emit('activation', [hidden], { kind: c.attributes['hidden']! })[0]!;
    const logits = c.emit('linear', trim([active, c.input(3), c.input(4)]))[0]!;
    return [c.emit('activation', [logits], { kind: c.attributes['gate']! })[0]!, hidden];
  },
};

export const exciteGrad: Op = {
  name: 'excite_grad',
  inputs: ['ds', 'q', 'hidden', 's', 'w1', 'w2'],
  infer(node) {
    const [n, width] = node.vector(1);
    const [, reduced] = node.vector(2);
    const [, c] = node.vector(0);
    const bias = node.flag('bias');
    return [
      f32(n, width),
      f32(reduced, width),
      bias ? f32(reduced) : undefined,
      f32(c, reduced),
      bias ? f32(c) : undefined,
    ];
  },
};
