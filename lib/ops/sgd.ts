import type { Op, OpNode } from './op.ts';

/**
 * One step of stochastic gradient descent over all parameters, by PyTorch's rule: g += decay * p;
 * v = momentum * v + g; p -= rate * lr * (nesterov ? g + momentum * v : v). Inputs: the learning rate, the momentum, then
 * parameter, gradient and velocity of each (without momentum it and the velocities are absent), and with `scaled` a
 * factor that gradients are multiplied with first. Writes to parameters and velocities.
 */
export const sgd: Op = {
  name: 'sgd',
  inputs: ['lr', 'momentum?', '...triples and factor'],
  infer(node) {
    const momentum = node.optional(1) !== undefined;
    if (momentum) node.expect(1, [], 'the momentum');
    node.flag('nesterov');
    expectUpdate(node, 3, momentum ? 2 : 1);
    return [];
  },
};

/**
 * Checks what optimizers have in common: the learning rate; from the third input on groups of `each`, a parameter and
 * `given` more of its shape; a decay and a share of the learning rate for each; with `scaled` a factor at the end.
 */
export function expectUpdate(node: OpNode, each: number, given: number): void {
  node.expect(0, [], 'the learning rate');
  const count = node.numbers('decays').length;
  if (node.numbers('rates').length !== count)
    node.fail(2, `${count} rates`, `${node.numbers('rates').length}`);
  for (let first = 2; first < 2 + each * count; first += each) {
    const { shape } = node.input(first);
    for (let i = 1; i <= given; i += 1) node.expect(first + i, shape, 'the shape of its parameter');
  }
  if (node.flag('scaled')) node.expect(2 + each * count, [], 'the factor of gradients');
}
