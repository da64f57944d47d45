import { numberOf, pairOf } from './attributes.ts';
import { given, mapSizes, type References, tensor } from './tensor.ts';

/** Visits each element of a map with its NHWC index and its index in C, H, W order. */
function eachElement(
  n: number,
  h: number,
  w: number,
  c: number,
  visit: (nhwc: number, nchw: number) => void,
): void {
  for (let b = 0; b < n; b++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++)
        for (let k = 0; k < c; k++) visit(((b * h + y) * w + x) * c + k, ((b * c + k) * h + y) * w + x);
}

export const reference = {
  flatten(inputs) {
    const x = given(inputs, 0, 'flatten x');
    const { n, h, w, c } = mapSizes(x);
    const y = tensor([n, c * h * w]);
    eachElement(n, h, w, c, (nhwc, nchw) => {
      y.data[nchw] = x.data[nhwc]!;
    });
    return [y];
  },

  unflatten(inputs, attributes) {
    const dy = given(inputs, 0, 'unflatten dy');
    const [h, w] = pairOf(attributes, 'size');
    const c = numberOf(attributes, 'channels');
    const dx = tensor([dy.shape[0]!, h, w, c]);
    eachElement(dy.shape[0]!, h, w, c, (nhwc, nchw) => {
      dx.data[nhwc] = dy.data[nchw]!;
    });
    return [dx];
  },
} satisfies References;
