import { flagOf, listOf, numberOf } from './attributes.ts';
import { given, type References } from './tensor.ts';

export const reference = {
  /** Changes parameters, both running means and the number of updates in place. */
  adamw(inputs, attributes) {
    const lr = given(inputs, 0, 'adamw lr').data[0]!;
    const updates = given(inputs, 1, 'adamw updates').data;
    const [beta1, beta2] = [numberOf(attributes, 'beta1'), numberOf(attributes, 'beta2')];
    const epsilon = numberOf(attributes, 'epsilon');
    const decays = listOf(attributes, 'decays');
    const rates = listOf(attributes, 'rates');
    const scaled = flagOf(attributes, 'scaled');
    const factor = scaled ? given(inputs, 2 + 4 * decays.length, 'adamw factor').data[0]! : 1;
    updates[0]! += 1;
    const [unbias1, unbias2] = [1 - beta1 ** updates[0]!, 1 - beta2 ** updates[0]!];
    decays.forEach((decay, quadruple) => {
      const [p, gradient, m, v] = [0, 1, 2, 3].map((i) => given(inputs, 2 + 4 * quadruple + i, 'adamw').data);
      const rate = lr * rates[quadruple]!;
      for (let i = 0; i < p!.length; i++) {
        const g = factor * gradient![i]!;
        m![i] = beta1 * m![i]! + (1 - beta1) * g;
        v![i] = beta2 * v![i]! + (1 - beta2) * g * g;
        const step = m![i]! / unbias1 / (Math.sqrt(v![i]! / unbias2) + epsilon);
        p![i] = p![i]! - rate * decay * p![i]! - rate * step;
      }
    });
    return [];
  },
} satisfies References;
