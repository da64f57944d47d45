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

/** The products of one tap of the kernel, one output's place and one group, each of whose inputs meets each output. */
interface Tap {
  /** The first of `inputs` elements of x, one after the other. */
  xi: number;
  /** The weight of the first input and output; the next input's is `taps` on, the next output's `inputs * taps`. */
  wi: number;
  /** The first of `outputs` elements of y, one after the other. */
  yi: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly taps: number;
}

/**
 * Visits the products of a convolution, tap by tap: y[yi + o] += x[xi + i] * weight[wi + (o * inputs + i) * taps]. The
 * gradients are sums over the same products. Shapes: x [N, H, W, C], weight [K, C/groups, kh, kw], y [N, OH, OW, K].
 *
 * @param visit is given the same object each time
 */
function eachTap(
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
  attributes: Attributes,
  visit: (tap: Readonly<Tap>) => void,
): void {
  const [n = 0, h = 0, w = 0, c = 0] = x;
  const [k = 0, cg = 0, kh = 0, kw = 0] = weight;
  const [, oh = 0, ow = 0] = y;
  const [sh, sw] = pairOf(attributes, 'stride');
  const [dh, dw] = pairOf(attributes, 'dilation');
  const [top, , left] = paddingOf(attributes);
  const groups = numberOf(attributes, 'groups');
  const kg = k / groups;
  const tap = { xi: 0, wi: 0, yi: 0, inputs: cg, outputs: kg, taps: kh * kw };
  for (let b = 0; b < n; b++)
    for (let oy = 0; oy < oh; oy++)
      for (let ox = 0; ox < ow; ox++)
        for (let ky = 0; ky < kh; ky++) {
          const iy = oy * sh - top + ky * dh;
          if (iy < 0 || iy >= h) continue;
          for (let kx = 0; kx < kw; kx++) {
            const ix = ox * sw - left + kx * dw;
            if (ix < 0 || ix >= w) continue;
            for (let group = 0; group < groups; group++) {
              tap.xi = ((b * h + iy) * w + ix) * c + group * cg;
              tap.wi = (group * kg * cg * kh + ky) * kw + kx;
              tap.yi = ((b * oh + oy) * ow + ox) * k + group * kg;
              visit(tap);
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
  eachTap(x.shape, weight.shape, y.shape, attributes, ({ xi, wi, yi, inputs, outputs, taps }) => {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += x.data[xi + i]! * weight.data[wi + (o * inputs + i) * taps]!;
      y.data[yi + o]! += sum;
    }
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
    eachTap(dx.shape, weight.shape, dy.shape, attributes, ({ xi, wi, yi, inputs, outputs, taps }) => {
      for (let o = 0; o < outputs; o++) {
        const gradient = dy.data[yi + o]!;
        for (let i = 0; i < inputs; i++) {
          dx.data[xi + i]! += gradient * weight.data[wi + (o * inputs + i) * taps]!;
        }
      }
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
    eachTap(x.shape, dweight.shape, dy.shape, attributes, ({ xi, wi, yi, inputs, outputs, taps }) => {
      for (let o = 0; o < outputs; o++) {
        const gradient = dy.data[yi + o]!;
        for (let i = 0; i < inputs; i++) {
          dweight.data[wi + (o * inputs + i) * taps]! += gradient * x.data[xi + i]!;
        }
      }
    });
    if (!flagOf(attributes, 'bias')) return [dweight, undefined];
    const dbias = tensor([k]);
    for (let i = 0; i < dy.data.length; i++) dbias.data[i % k]! += dy.data[i]!;
    return [dweight, dbias];
  },
} satisfies References;
