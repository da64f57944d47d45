import type { Op } from './op.ts';

/**
 * One step of stochastic gradient descent over all parameters, by PyTorch's rule: g += decay * p;
 * v = momentum * v + g; p -= lr * (nesterov ? g + momentum * v : v). Inputs: the learning rate, the momentum, then
 * parameter, gradient and velocity of each (without momentum it and the velocities are absent), and with `scaled` a
 * factor that gradients are multiplied with first. Writes to parameters and velocities.
 */
export const sgd: Op = {
  name: 'sgd',
  inputs: ['lr', 'momentum?', '...triples and scale'],
  infer(node) {
    node.expect(0, [], 'the learning rate');
    const momentum = node.optional(1) !== undefined;
    if (momentum) node.expect(1, [], 'the momentum');
    node.flag('nesterov');
    const decays = node.attributes['decays'];
    const count = Array.isArray(decays) ? decays.length : 0;
    for (let i = 0; i < count; i += 1) {
      const { shape } = node.input(2 + 3 * i);
      node.expect(3 + 3 * i, shape, 'the shape of its parameter');
      if (momentum) node.expect(4 + 3 * i, shape, 'the shape of its parameter');
    }
    if (node.flag('scaled')) node.expect(2 + 3 * count, [], 'the factor of gradients');
    return [];
  },
};
