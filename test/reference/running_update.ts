import { listOf, numberOf } from './attributes.ts';
import { given, type References } from './tensor.ts';

export const reference = {
  /** Changes the running statistics in place. */
  running_update(inputs, attributes) {
    const momentum = numberOf(attributes, 'momentum');
    listOf(attributes, 'counts').forEach((count, quadruple) => {
      const [runningMean, runningVar, mean, variance] = [0, 1, 2, 3].map(
        (i) => given(inputs, 4 * quadruple + i, 'running_update').data,
      );
      const unbiased = count > 1 ? count / (count - 1) : 1;
      for (let c = 0; c < mean!.length; c++) {
        runningMean![c] = (1 - momentum) * runningMean![c]! + momentum * mean![c]!;
        runningVar![c] = (1 - momentum) * runningVar![c]! + momentum * variance![c]! * unbiased;
      }
    });
    return [];
  },
} satisfies References;
