import { f32, sameShape } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** The activations, by name. */
export const activationKinds = [
  'relu',
  'sigmoid',
  'tanh',
  'silu',
  'hard_swish',
  'hard_sigmoid',
  'relu6',
] as const;
export type ActivationKind = (typeof activationKinds)[number];

/** Whether the slope follows from x alone: these fall and rise, so that one y has two slopes. */
const needsInput = (kind: ActivationKind): boolean => kind === 'silu' || kind === 'hard_swish';

/** An elementwise activation. */
export const activation: Op = {
  name: 'activation',
  inputs: ['x'],
  infer(node) {
    node.text('kind', activationKinds);
    return [f32(...node.input(0).shape)];
  },
  gradient(c) {
    const kind = activationKinds.find((k) => k === c.attributes['kind'])!;
    const saved = needsInput(kind) ? c.input(0) : c.output(0);
    c.give(0, c.emit('activation_grad', [c.gradient(0), saved], { kind })[0]!);
  },
};

/** Gradient of an activation: `saved` is its input x for `silu` and `hard_swish`, its output y for the others. */
export const activationGrad: Op = {
  name: 'activation_grad',
  inputs: ['dy', 'saved'],
  infer(node) {
    node.text('kind', activationKinds);
    const { shape } = node.input(0);
    if (!sameShape(shape, node.input(1).shape)) node.expect(1, shape, 'the shape of dy');
    return [f32(...shape)];
  },
};

/** Probabilities from logits [N, K]; in training the loss takes the logits themselves. */
export const softmax: Op = {
  name: 'softmax',
  inputs: ['x'],
  infer: (node) => [f32(...node.vector(0))],
};
