import { flagOf, listOf } from './attributes.ts';
import { given, type References } from './tensor.ts';

export const reference = {
  /** Changes parameters and velocities in place. */
  sgd(inputs, attributes) {
    const lr = given(inputs, 0, 'sgd lr').data[0]!;
    const momentum = inputs[1]?.data[0];
    const nesterov = flagOf(attributes, 'nesterov');
    const decays = listOf(attributes, 'decays');
    const rates = listOf(attributes, 'rates');
    const scaled = flagOf(attributes, 'scaled');
    const factor = scaled ? given(inputs, 2 + 3 * decays.length, 'sgd factor').data[0]! : 1;
    decays.forEach((decay, triple) => {
      const rate = lr * rates[triple]!;
      const parameter = given(inputs, 2 + 3 * triple, 'sgd parameter').data;
      const gradient = given(inputs, 3 + 3 * triple, 'sgd gradient').data;
      const velocity =
        momentum === undefined ? undefined : given(inputs, 4 + 3 * triple, 'sgd velocity').data;
      for (let i = 0; i < parameter.length; i++) {
        const g = factor * gradient[i]! + decay * parameter[i]!;
        if (momentum === undefined || velocity === undefined) {
          parameter[i]! -= rate * g;
          continue;
        }
        const v = momentum * velocity[i]! + g;
        velocity[i] = v;
        parameter[i]! -= rate * (nesterov ? g + momentum * v : v);
      }
    });
    return [];
  },
} satisfies References;
