import { ArgumentRangeError } from '../errors.ts';
import { f32 } from '../ir/graph.ts';
import { type Op, type OpNode, pick } from './op.ts';

/** Labels are class indices (i32 [N]) or distributions over the classes (f32 [N, K]). */
function expectLabels(node: OpNode, n: number, k: number): void {
  const { dtype } = node.input(1);
  if (dtype === 'i32') {
    node.expect(1, [n], 'one class index per sample');
  } else {
    node.expect(1, [n, k], 'one distribution over the classes per sample');
  }
}

/**
 * Mean over the batch of the cross-entropy between softmax(logits) and the labels, smoothed by `smoothing`. The
 * second output holds the probabilities.
 */
export const softmaxCrossEntropy: Op = {
  name: 'softmax_cross_entropy',
  inputs: ['logits', 'labels'],
  infer(node) {
    const [n, k] = node.vector(0);
    expectLabels(node, n, k);
    const smoothing = node.number('smoothing');
    if (!(smoothing >= 0 && smoothing <= 1)) {
      throw new ArgumentRangeError(
        `${node.where}: smoothing: expected a number in [0, 1], received ${smoothing}`,
      );
    }
    return [f32(), f32(n, k)];
  },
  gradient(c) {
    const inputs = [c.output(1), c.input(1), c.gradient(0)];
    c.give(0, c.emit('softmax_cross_entropy_grad', inputs, pick(c.attributes, 'smoothing'))[0]!);
  },
};

export const softmaxCrossEntropyGrad: Op = {
  name: 'softmax_cross_entropy_grad',
  inputs: ['probabilities', 'labels', 'dloss'],
  infer: (node) => [f32(...node.vector(0))],
};

/** How many samples of the batch have their class among the k largest logits. */
export const topKCorrect: Op = {
  name: 'top_k_correct',
  inputs: ['logits', 'labels'],
  infer(node) {
    const [n, k] = node.vector(0);
    expectLabels(node, n, k);
    node.integer('k', 1);
    return [f32()];
  },
};
