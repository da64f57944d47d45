import { paddingOf } from './attributes.ts';
import { given, mapSizes, type References, tensor } from './tensor.ts';

export const reference = {
  pad(inputs, attributes) {
    const x = given(inputs, 0, 'pad x');
    const { n, h, w, c } = mapSizes(x);
    const [top, bottom, left, right] = paddingOf(attributes);
    const y = tensor([n, h + top + bottom, w + left + right, c]);
    const [, height, width] = y.shape as [number, number, number, number];
    for (let i = 0; i < y.data.length; i++) {
      const column = (Math.floor(i / c) % width) - left;
      const row = (Math.floor(i / (c * width)) % height) - top;
      const image = Math.floor(i / (c * width * height));
      if (row < 0 || row >= h || column < 0 || column >= w) continue;
      y.data[i] = x.data[((image * h + row) * w + column) * c + (i % c)]!;
    }
    return [y];
  },
} satisfies References;
