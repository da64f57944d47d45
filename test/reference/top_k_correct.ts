import { numberOf } from './attributes.ts';
import { given, matrixSizes, type References, tensor } from './tensor.ts';

export const reference = {
  top_k_correct(inputs, attributes) {
    const logits = given(inputs, 0, 'top_k_correct logits');
    const labels = given(inputs, 1, 'top_k_correct labels');
    const { rows, columns } = matrixSizes(logits);
    let count = 0;
    for (let row = 0; row < rows; row++) {
      let label = labels.data[row]!;
      if (labels.shape.length === 2) {
        const weights = labels.data.subarray(row * columns, (row + 1) * columns);
        label = weights.indexOf(Math.max(...weights));
      }
      const values = logits.data.subarray(row * columns, (row + 1) * columns);
      const better = values.filter((value) => value > values[label]!).length;
      if (better < numberOf(attributes, 'k')) count++;
    }
    return [tensor([], [count])];
  },
} satisfies References;
