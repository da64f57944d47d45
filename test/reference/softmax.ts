import { given, matrixSizes, type References, type RefTensor, tensor } from './tensor.ts';

/** Probabilities of each row. */
export function softmax(x: RefTensor): RefTensor {
  const { rows, columns } = matrixSizes(x);
  const y = tensor(x.shape);
  for (let row = 0; row < rows; row++) {
    const logits = x.data.subarray(row * columns, (row + 1) * columns);
    const largest = Math.max(...logits);
    const total = logits.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    for (let k = 0; k < columns; k++) y.data[row * columns + k] = Math.exp(logits[k]! - largest) / total;
  }
  return y;
}

export const reference = {
  softmax: (inputs) => [softmax(given(inputs, 0, 'softmax x'))],
} satisfies References;
