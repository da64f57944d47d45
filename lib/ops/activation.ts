import { f32, sameShape } from '../ir/graph.ts';
import { type Op, pick } from './op.ts';

/** The activations, by name. */
export const activationKinds = ['relu', 'sigmoid', 'tanh'] as const;
export type ActivationKind = (typeof activationKinds)[number];

/** An elementwise activation. */
export const activation: Op = {
  name: 'activation',
  inputs: ['x'],
  infer(node) {
    node.text('kind', activationKinds);
    return [f32(...node.input(0).shape)];
  },
  gradient(c) {
    c.give(0, c.emit('activation_grad', [c.gradient(0), c.output(0)], pick(c.attributes, 'kind'))[0]!);
  },
};

/** Gradient of an activation from its output y. */
export const activationGrad: Op = {
  name: 'activation_grad',
  inputs: ['dy', 'y'],
  infer(node) {
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
