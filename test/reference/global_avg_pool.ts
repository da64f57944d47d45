import { pairOf } from './attributes.ts';
import { given, mapSizes, matrixSizes, type References, tensor } from './tensor.ts';

export const reference = {
  global_avg_pool(inputs) {
    const x = given(inputs, 0, 'global_avg_pool x');
    const { n, h, w, c } = mapSizes(x);
    const y = tensor([n, c]);
    for (let b = 0; b < n; b++)
      for (let k = 0; k < c; k++) {
        let sum = 0;
        for (let p = 0; p < h * w; p++) sum += x.data[(b * h * w + p) * c + k]!;
        y.data[b * c + k] = sum / (h * w);
      }
    return [y];
  },

  global_avg_pool_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'global_avg_pool_grad dy');
    const { rows: n, columns: c } = matrixSizes(dy);
    const [h, w] = pairOf(attributes, 'size');
    const dx = tensor([n, h, w, c]);
    for (let i = 0; i < dx.data.length; i++) {
      const sample = Math.floor(i / (h * w * c));
      dx.data[i] = dy.data[sample * c + (i % c)]! / (h * w);
    }
    return [dx];
  },
} satisfies References;
