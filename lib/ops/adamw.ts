import type { Op } from './op.ts';
import { expectUpdate } from './sgd.ts';

/**
 * One step of AdamW over all parameters, by PyTorch's rule, with t the updates done, this one included:
 * m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
 * p = (1 - rate * lr * decay) * p - rate * lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon).
 * Inputs: the learning rate, the number of updates done before, then parameter, gradient, m and v of each, and with
 * `scaled` a factor that gradients are multiplied with first. Writes to parameters, m, v and the number of updates. A
 * step that is skipped as gradients overflow does not count.
 */
export const adamw: Op = {
  name: 'adamw',
  inputs: ['lr', 'updates', '...quadruples and factor'],
  infer(node) {
    node.expect(1, [], 'the number of updates');
    for (const key of ['beta1', 'beta2', 'epsilon']) node.number(key);
    expectUpdate(node, 4, 3);
    return [];
  },
};
