import { expectShape, given, map, mapSizes, type References, tensor, zip } from './tensor.ts';

export const reference = {
  multiply(inputs) {
    const x = given(inputs, 0, 'multiply x');
    const s = given(inputs, 1, 'multiply s');
    if (s.shape.length === x.shape.length) return [zip(x, s, (a, b) => a * b)];
    const { n, h, w, c } = mapSizes(x);
    expectShape(s, [n, c], 'multiply s');
    return [map(x, (value, i) => value * s.data[Math.floor(i / (h * w * c)) * c + (i % c)]!)];
  },

  multiply_reduce(inputs) {
    const a = given(inputs, 0, 'multiply_reduce a');
    const b = given(inputs, 1, 'multiply_reduce b');
    expectShape(b, a.shape, 'multiply_reduce b');
    const { n, h, w, c } = mapSizes(a);
    const y = tensor([n, c]);
    for (let i = 0; i < a.data.length; i++) {
      y.data[Math.floor(i / (h * w * c)) * c + (i % c)]! += a.data[i]! * b.data[i]!;
    }
    return [y];
  },
} satisfies References;
