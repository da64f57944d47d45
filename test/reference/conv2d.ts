import type { Attributes } from '../../lib/ir/graph.ts';
import { flagOf, numberOf, paddingOf, pairOf } from './attributes.ts';
import { expectShape, given, type References, type RefTensor, tensor } from './tensor.ts';

/** Output size along one axis. */
function outputSize(
  input: number,
  before: number,
  after: number,
  kernel: number,
  stride: number,
  dilation: number,
) {
  return Math.floor((input + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * Visits each product of a convolution: y[yi] += x[xi] * weight[wi]. The three gradients are sums over the same
 * products. Shapes: x [N, H, W, C], weight [K, C/groups, kh, kw], y [N, OH, OW, K].
 */
function eachProduct(
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
  attributes: Attributes,
  visit: (xi: number, wi: number, yi: number) => void,
): void {
  const [n = 0, h = 0, w = 0, c = 0] = x;
  const [k = 0, cg = 0, kh = 0, kw = 0] = weight;
  const [, oh = 0, ow = 0] = y;
  const [sh, sw] = pairOf(attributes, 'stride');
  const [dh, dw] = pairOf(attributes, 'dilation');
  const [top, , left] = paddingOf(attributes);
  const kg = k / numberOf(attributes, 'groups');
  for (let b = 0; b < n; b++)
    for (let oy = 0; oy < oh; oy++)
      for (let ox = 0; ox < ow; ox++)
        for (let o = 0; o < k; o++) {
          const yi = ((b * oh + oy) * ow + ox) * k + o;
          const firstChannel = Math.floor(o / kg) * cg;
          for (let i = 0; i < cg; i++)
            for (let ky = 0; ky < kh; ky++) {
              const iy = oy * sh - top + ky * dh;
              if (iy < 0 || iy >= h) continue;
              for (let kx = 0; kx < kw; kx++) {
                const ix = ox * sw - left + kx * dw;
                if (ix < 0 || ix >= w) continue;
                visit(((b * h + iy) * w + ix) * c + firstChannel + i, ((o * cg + i) * kh + ky) * kw + kx, yi);
              }
            }
        }
}

function convolve(
  x: RefTensor,
  weight: RefTensor,
  bias: RefTensor | undefined,
  attributes: Attributes,
): RefTensor {
  const [n = 0, h = 0, w = 0, c = 0] = x.shape;
  const [k = 0, cg = 0, kh = 0, kw = 0] = weight.shape;
  const groups = numberOf(attributes, 'groups');
  if (cg * groups !== c || k % groups !== 0)
    throw new Error(`conv2d: ${groups} groups do not divide ${c} -> ${k}`);
  const [sh, sw] = pairOf(attributes, 'stride');
  const [dh, dw] = pairOf(attributes, 'dilation');
  const [top, bottom, left, right] = paddingOf(attributes);
  const y = tensor([n, outputSize(h, top, bottom, kh, sh, dh), outputSize(w, left, right, kw, sw, dw), k]);
  if (bias !== undefined) {
    expectShape(bias, [k], 'conv2d bias');
    for (let i = 0; i < y.data.length; i++) y.data[i] = bias.data[i % k]!;
  }
  eachProduct(x.shape, weight.shape, y.shape, attributes, (xi, wi, yi) => {
    y.data[yi]! += x.data[xi]! * weight.data[wi]!;
  });
  return y;
}

export const reference = {
  conv2d: (inputs, attributes) => [
    convolve(given(inputs, 0, 'conv2d x'), given(inputs, 1, 'conv2d weight'), inputs[2], attributes),
  ],

  conv2d_fused(inputs, attributes) {
    const y = convolve(given(inputs, 0, 'x'), given(inputs, 1, 'weight'), inputs[2], attributes);
    const [, , , gate, residual] = inputs;
    const [n = 0, oh = 0, ow = 0, k = 0] = y.shape;
    if (gate !== undefined) expectShape(gate, [n, k], 'conv2d_fused gate');
    if (residual !== undefined) expectShape(residual, y.shape, 'conv2d_fused residual');
    const relu = flagOf(attributes, 'relu');
    for (let i = 0; i < y.data.length; i++) {
      const sample = Math.floor(i / (oh * ow * k));
      const s = gate === undefined ? 1 : gate.data[sample * k + (i % k)]!;
      const value = s * y.data[i]! + (residual === undefined ? 0 : residual.data[i]!);
      y.data[i] = relu ? Math.max(value, 0) : value;
    }
    return [y];
  },

  conv2d_grad_input(inputs, attributes) {
    const dy = given(inputs, 0, 'conv2d_grad_input dy');
    const weight = given(inputs, 1, 'conv2d_grad_input weight');
    const channels = weight.shape[1]! * numberOf(attributes, 'groups');
    const dx = tensor([dy.shape[0]!, ...pairOf(attributes, 'size'), channels]);
    eachProduct(dx.shape, weight.shape, dy.shape, attributes, (xi, wi, yi) => {
      dx.data[xi]! += dy.data[yi]! * weight.data[wi]!;
    });
    return [dx];
  },

  conv2d_grad_weight(inputs, attributes) {
    const x = given(inputs, 0, 'conv2d_grad_weight x');
    const dy = given(inputs, 1, 'conv2d_grad_weight dy');
    const k = dy.shape[3]!;
    const dweight = tensor([
      k,
      x.shape[3]! / numberOf(attributes, 'groups'),
      ...pairOf(attributes, 'kernel'),
    ]);
    eachProduct(x.shape, dweight.shape, dy.shape, attributes, (xi, wi, yi) => {
      dweight.data[wi]! += x.data[xi]! * dy.data[yi]!;
    });
    if (!flagOf(attributes, 'bias')) return [dweight, undefined];
    const dbias = tensor([k]);
    for (let i = 0; i < dy.data.length; i++) dbias.data[i % k]! += dy.data[i]!;
    return [dweight, dbias];
  },
} satisfies References;
