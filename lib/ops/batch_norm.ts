import { f32, type TensorType } from '../ir/graph.ts';
import { type Op, type OpNode, pick } from './op.ts';

/** Channels of a map or a vector: its last dimension. */
export function channelsOf(node: OpNode, position: number): number {
  const { shape } = node.input(position);
  if (shape.length !== 4 && shape.length !== 2) {
    node.fail(position, 'a feature map [N, H, W, C] or a vector [N, C]', shape.join('x'));
  }
  return shape.at(-1)!;
}

/**
 * Batch normalisation over all dimensions but the channels. With `training` it uses the batch's own mean and biased
 * variance and gives them out; otherwise the running ones. Running statistics are updated by `running_update`, at
 * the end of a step.
 */
export const batchNorm: Op = {
  name: 'batch_norm',
  inputs: ['x', 'gamma', 'beta', 'running_mean', 'running_var'],
  trainingAttributes: { training: true },
  infer(node) {
    const c = channelsOf(node, 0);
    for (let i = 1; i <= 4; i += 1) node.expect(i, [c], `one value for each of the ${c} channels`);
    node.number('eps');
    const perChannel = node.flag('training') ? f32(c) : undefined;
    return [f32(...node.input(0).shape), perChannel, perChannel];
  },
  gradient(c) {
    const training = c.attributes['training'] === true;
    const mean = training ? c.output(1) : c.input(3);
    const variance = training ? c.output(2) : c.input(4);
    const [dx, dgamma, dbeta] = c.emit(
      'batch_norm_grad',
      [c.gradient(0), c.input(0), c.input(1), mean, variance],
      pick(c.attributes, 'eps', 'training'),
    );
    c.give(0, dx!);
    c.give(1, dgamma!);
    c.give(2, dbeta!);
  },
};

export const batchNormGrad: Op = {
  name: 'batch_norm_grad',
  inputs: ['dy', 'x', 'gamma', 'mean', 'variance'],
  infer(node): TensorType[] {
    const c = channelsOf(node, 1);
    return [f32(...node.input(1).shape), f32(c), f32(c)];
  },
};

/** `(weight, bias)` of a convolution with the batch norm that follows it folded in; a computation on constants. */
export const foldBatchNorm: Op = {
  name: 'fold_batch_norm',
  inputs: ['weight', 'bias?', 'gamma', 'beta', 'running_mean', 'running_var'],
  infer(node) {
    const { shape } = node.input(0);
    const k = shape[0]!;
    for (let i = 2; i <= 5; i += 1) node.expect(i, [k], 'one value per filter');
    if (node.optional(1)) node.expect(1, [k], 'one bias per filter');
    node.number('eps');
    return [f32(...shape), f32(k)];
  },
};

/** Moves running statistics towards those of the batch; writes to its inputs, has no outputs. */
export const runningUpdate: Op = {
  name: 'running_update',
  inputs: ['...quadruples'],
  infer(node) {
    const counts = node.integers('counts', undefined, 1);
    node.number('momentum');
    if (node.types.length !== 4 * counts.length || node.types.includes(undefined)) {
      node.fail(0, `${4 * counts.length} inputs, four for each count`, `${node.types.length}`);
    }
    return [];
  },
};
