import { flagOf, pairOf } from './attributes.ts';
import { given, mapSizes, matrixSizes, type References, tensor } from './tensor.ts';

export const reference = {
  global_max_pool(inputs, attributes) {
    const x = given(inputs, 0, 'global_max_pool x');
    const { n, h, w, c } = mapSizes(x);
    const y = tensor([n, c]);
    const index = tensor([n, c]);
    y.data.fill(Number.NaN);
    for (let b = 0; b < n; b++)
      for (let p = 0; p < h * w; p++)
        for (let k = 0; k < c; k++) {
          const value = x.data[(b * h * w + p) * c + k]!;
          if (!(y.data[b * c + k]! >= value)) {
            y.data[b * c + k] = value;
            index.data[b * c + k] = p;
          }
        }
    return [y, flagOf(attributes, 'training') ? index : undefined];
  },

  global_max_pool_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'global_max_pool_grad dy');
    const index = given(inputs, 1, 'global_max_pool_grad index');
    const { rows: n, columns: c } = matrixSizes(dy);
    const [h, w] = pairOf(attributes, 'size');
    const dx = tensor([n, h, w, c]);
    for (let b = 0; b < n; b++)
      for (let k = 0; k < c; k++) {
        dx.data[(b * h * w + index.data[b * c + k]!) * c + k] = dy.data[b * c + k]!;
      }
    return [dx];
  },
} satisfies References;
