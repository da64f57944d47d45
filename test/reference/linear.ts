import { flagOf } from './attributes.ts';
import { expectShape, given, matrixSizes, type References, tensor } from './tensor.ts';

export const reference = {
  linear(inputs) {
    const x = given(inputs, 0, 'linear x');
    const weight = given(inputs, 1, 'linear weight');
    const bias = inputs[2];
    const { rows: n, columns: c } = matrixSizes(x);
    const k = weight.shape[0]!;
    expectShape(weight, [k, c], 'linear weight');
    const y = tensor([n, k]);
    for (let b = 0; b < n; b++)
      for (let o = 0; o < k; o++) {
        let sum = bias === undefined ? 0 : bias.data[o]!;
        for (let i = 0; i < c; i++) sum += x.data[b * c + i]! * weight.data[o * c + i]!;
        y.data[b * k + o] = sum;
      }
    return [y];
  },

  linear_grad_input(inputs) {
    const dy = given(inputs, 0, 'linear_grad_input dy');
    const weight = given(inputs, 1, 'linear_grad_input weight');
    const { rows: n, columns: k } = matrixSizes(dy);
    const c = weight.shape[1]!;
    const dx = tensor([n, c]);
    for (let b = 0; b < n; b++)
      for (let o = 0; o < k; o++)
        for (let i = 0; i < c; i++) dx.data[b * c + i]! += dy.data[b * k + o]! * weight.data[o * c + i]!;
    return [dx];
  },

  linear_grad_weight(inputs, attributes) {
    const x = given(inputs, 0, 'linear_grad_weight x');
    const dy = given(inputs, 1, 'linear_grad_weight dy');
    const { rows: n, columns: c } = matrixSizes(x);
    const k = dy.shape[1]!;
    const dweight = tensor([k, c]);
    const dbias = tensor([k]);
    for (let b = 0; b < n; b++)
      for (let o = 0; o < k; o++) {
        dbias.data[o]! += dy.data[b * k + o]!;
        for (let i = 0; i < c; i++) dweight.data[o * c + i]! += x.data[b * c + i]! * dy.data[b * k + o]!;
      }
    return [dweight, flagOf(attributes, 'bias') ? dbias : undefined];
  },
} satisfies References;
