import type { Op } from './op.ts';

/**
 * One step of stochastic gradient descent over all parameters, by PyTorch's rule: g += decay * p;
 * v = momentum * v + g; p -= lr * (nesterov ? g + momentum * v : v). Inputs: the learning rate, then parameter,
 * gradient and velocity of each (velocity absent without momentum), and with `scaled` a factor that gradients are
 * multiplied with first. Writes to parameters and velocities.
 */
export const sgd: Op = {
  name: 'sgd',
  inputs: ['lr', '...triples and scale'],
  infer(node) {
    node.expect(0, [], 'the learning rate');
    node.number('momentum');
    node.flag('nesterov');
    const decays = node.attributes['decays'];
    const count = Array.isArray(decays) ? decays.length : 0;
    for (let i = 0; i < count; i += 1)
      node.expect(2 + 3 * i, node.input(1 + 3 * i).shape, 'the shape of its parameter');
    if (node.flag('scaled')) node.expect(1 + 3 * count, [], 'the factor of gradients');
    return [];
  },
};
