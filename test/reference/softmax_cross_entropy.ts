import { numberOf } from './attributes.ts';
import { softmax } from './softmax.ts';
import { given, map, matrixSizes, type References, type RefTensor, tensor } from './tensor.ts';

/** Smoothed target distributions [N, K] of class labels [N] or soft labels [N, K]. */
function targets(labels: RefTensor, classes: number, smoothing: number): RefTensor {
  const soft = labels.shape.length === 2 ? labels : tensor([labels.shape[0]!, classes]);
  if (soft !== labels) {
    labels.data.forEach((label, row) => {
      if (!(label >= 0 && label < classes))
        throw new Error(`softmax_cross_entropy: label ${label} of ${classes}`);
      soft.data[row * classes + label] = 1;
    });
  }
  return map(soft, (t) => (1 - smoothing) * t + smoothing / classes);
}

export const reference = {
  softmax_cross_entropy(inputs, attributes) {
    const logits = given(inputs, 0, 'softmax_cross_entropy logits');
    const { rows, columns } = matrixSizes(logits);
    const target = targets(given(inputs, 1, 'labels'), columns, numberOf(attributes, 'smoothing'));
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const values = logits.data.subarray(row * columns, (row + 1) * columns);
      const largest = Math.max(...values);
      const logSum = Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0)) + largest;
      for (let k = 0; k < columns; k++) loss += target.data[row * columns + k]! * (logSum - values[k]!);
    }
    return [tensor([], [loss / rows]), softmax(logits)];
  },

  softmax_cross_entropy_grad(inputs, attributes) {
    const probabilities = given(inputs, 0, 'softmax_cross_entropy_grad probabilities');
    const { rows, columns } = matrixSizes(probabilities);
    const target = targets(given(inputs, 1, 'labels'), columns, numberOf(attributes, 'smoothing'));
    const dloss = given(inputs, 2, 'dloss').data[0]!;
    return [
      map(probabilities, (p, i) => {
        const row = Math.floor(i / columns) * columns;
        const total = target.data.subarray(row, row + columns).reduce((sum, t) => sum + t, 0);
        return ((p * total - target.data[i]!) / rows) * dloss;
      }),
    ];
  },
} satisfies References;
