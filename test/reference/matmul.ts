import { expectShape, given, matrixSizes, type References, tensor } from './tensor.ts';

export const reference = {
  matmul(inputs) {
    const a = given(inputs, 0, 'matmul a');
    const b = given(inputs, 1, 'matmul b');
    const { rows: m, columns: k } = matrixSizes(a);
    const { columns: n } = matrixSizes(b);
    expectShape(b, [k, n], 'matmul b');
    const y = tensor([m, n]);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++)
        for (let p = 0; p < k; p++) y.data[i * n + j]! += a.data[i * k + p]! * b.data[p * n + j]!;
    return [y];
  },
} satisfies References;
