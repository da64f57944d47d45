import { ABSENT, f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** Fully connected layer on vectors: `y = x weight^T + bias`, x [N, C], weight [K, C], bias [K]. */
export const linear: Op = {
  name: 'linear',
  inputs: ['x', 'weight', 'bias?'],
  infer(node) {
    const [n, c] = node.vector(0);
    const { shape } = node.input(1);
    if (shape.length !== 2 || shape[1] !== c) node.fail(1, `a weight [K, ${c}]`, shape.join('x'));
    if (node.optional(2)) node.expect(2, [shape[0]!], 'one bias per output');
    return [f32(n, shape[0]!)];
  },
  gradient(c) {
    const dy = c.gradient(0);
    if (c.wants(1) || c.wants(2)) {
      const bias = c.input(2) !== ABSENT;
      const [dweight, dbias] = c.emit('linear_grad_weight', [c.input(0), dy], { bias });
      c.give(1, dweight!);
      if (bias) c.give(2, dbias!);
    }
    if (c.wants(0)) c.give(0, c.emit('linear_grad_input', [dy, c.input(1)])[0]!);
  },
};

export const linearGradInput: Op = {
  name: 'linear_grad_input',
  inputs: ['dy', 'weight'],
  infer: (node) => [f32(node.vector(0)[0], node.input(1).shape[1]!)],
};

export const linearGradWeight: Op = {
  name: 'linear_grad_weight',
  inputs: ['x', 'dy'],
  infer(node) {
    const [, c] = node.vector(0);
    const [, k] = node.vector(1);
    return [f32(k, c), node.flag('bias') ? f32(k) : undefined];
  },
};

/** Product of two matrices [M, K] and [K, N]; the passes use it to merge weights ahead of time. */
export const matmul: Op = {
  name: 'matmul',
  inputs: ['a', 'b'],
  infer(node) {
    const [m, k] = node.vector(0);
    const { shape } = node.input(1);
    if (shape.length !== 2 || shape[0] !== k) node.fail(1, `a matrix [${k}, N]`, shape.join('x'));
    return [f32(m, shape[1]!)];
  },
};
