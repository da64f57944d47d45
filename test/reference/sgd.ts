import { flagOf, listOf } from './attributes.ts';
import { given, type References } from './tensor.ts';

export const reference = {
  /** Changes parameters and velocities in place. */
  sgd(inputs, attributes) {
    const lr = given(inputs, 0, 'sgd lr').data[0]!;
    const momentum = inputs[1]?.data[0];
    const nesterov = flagOf(attributes, 'nesterov');
    listOf(attributes, 'decays').forEach((decay, triple) => {
      const parameter = given(inputs, 2 + 3 * triple, 'sgd parameter').data;
      const gradient = given(inputs, 3 + 3 * triple, 'sgd gradient').data;
      const velocity =
        momentum === undefined ? undefined : given(inputs, 4 + 3 * triple, 'sgd velocity').data;
      for (let i = 0; i < parameter.length; i++) {
        const g = gradient[i]! + decay * parameter[i]!;
        if (momentum === undefined || velocity === undefined) {
          parameter[i]! -= lr * g;
          continue;
        }
        const v = momentum * velocity[i]! + g;
        velocity[i] = v;
        parameter[i]! -= lr * (nesterov ? g + momentum * v : v);
      }
    });
    return [];
  },
} satisfies References;
