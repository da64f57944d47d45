import { ABSENT, f32, type TensorType } from '../ir/graph.ts';
import { type Op, type OpNode, pick, trim } from './op.ts';

const geometry = ['stride', 'padding', 'dilation', 'groups'] as const;

/** Output length along one side; the largest window position that still fits. */
export function convOutput(
  input: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
  dilation: number,
): number {
  return Math.floor((input + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

function readGeometry(node: OpNode) {
  const [strideH, strideW] = node.integers('stride', 2, 1) as [number, number];
  const [top, bottom, left, right] = node.integers('padding', 4, 0) as [number, number, number, number];
  const [dilationH, dilationW] = node.integers('dilation', 2, 1) as [number, number];
  return {
    strideH,
    strideW,
    top,
    bottom,
    left,
    right,
    dilationH,
    dilationW,
    groups: node.integer('groups', 1),
  };
}

function inferConv(node: OpNode): TensorType {
  const [n, h, w, c] = node.map(0);
  const g = readGeometry(node);
  const { shape } = node.input(1);
  if (shape.length !== 4) node.fail(1, 'a weight [K, C/groups, kernelH, kernelW]', shape.join('x'));
  const [k, perGroup, kh, kw] = [shape[0]!, shape[1]!, shape[2]!, shape[3]!];
  if (c % g.groups !== 0 || k % g.groups !== 0) {
    node.fail(1, `input channels (${c}) and filters (${k}) divisible by groups`, `groups ${g.groups}`);
  }
  if (perGroup !== c / g.groups) {
    node.fail(
      1,
      `${k}x${c / g.groups}x${kh}x${kw} (the input has ${c} channels in ${g.groups} groups)`,
      shape.join('x'),
    );
  }
  if (node.optional(2)) node.expect(2, [k], 'one bias per filter');
  const outH = convOutput(h, kh, g.strideH, g.top, g.bottom, g.dilationH);
  const outW = convOutput(w, kw, g.strideW, g.left, g.right, g.dilationW);
  if (outH < 1 || outW < 1) {
    node.fail(0, `at least the ${kh}x${kw} kernel's reach after padding`, `${h}x${w}`);
  }
  return f32(n, outH, outW, k);
}

/**
 * Two-dimensional convolution (cross-correlation), NHWC maps, OIHW weights, zero padding [top, bottom, left, right].
 */
export const conv2d: Op = {
  name: 'conv2d',
  inputs: ['x', 'weight', 'bias?'],
  infer: (node) => [inferConv(node)],
  gradient(c) {
    const dy = c.gradient(0);
    const [, h, w] = c.type(c.input(0)).shape as [number, number, number];
    const [, , kh, kw] = c.type(c.input(1)).shape as [number, number, number, number];
    const shared = pick(c.attributes, ...geometry);
    if (c.wants(1) || c.wants(2)) {
      const bias = c.input(2) !== ABSENT;
      const [dweight, dbias] = c.emit('conv2d_grad_weight', [c.input(0), dy], {
        ...shared,
        kernel: [kh, kw],
        bias,
      });
      c.give(1, dweight!);
      if (bias) c.give(2, dbias!);
    }
    if (c.wants(0)) {
      c.give(0, c.emit('conv2d_grad_input', [dy, c.input(1)], { ...shared, size: [h, w] })[0]!);
    }
  },
};

/**
 * A convolution with everything a residual block does after it: `act(gate * (conv + bias) + residual)`, gate [N, K].
 * Made by the inference passes.
 */
export const conv2dFused: Op = {
  name: 'conv2d_fused',
  inputs: ['x', 'weight', 'bias?', 'gate?', 'residual?'],
  infer(node) {
    const y = inferConv(node);
    node.flag('relu');
    if (node.optional(3)) node.expect(3, [y.shape[0]!, y.shape[3]!], 'one gate per image and filter');
    if (node.optional(4)) node.expect(4, y.shape, "the convolution's own shape");
    return [y];
  },
  decompose(c) {
    let y = c.emit('conv2d', trim([c.input(0), c.input(1), c.input(2)]), pick(c.attributes, ...geometry))[0]!;
    if (c.input(3) !== ABSENT) y = c.emit('multiply', [y, c.input(3)])[0]!;
    if (c.input(4) !== ABSENT) y = c.emit('add', [y, c.input(4)])[0]!;
    if (c.attributes['relu'] === true) y = c.emit('activation', [y], { kind: 'relu' })[0]!;
    return [y];
  },
};

export const conv2dGradInput: Op = {
  name: 'conv2d_grad_input',
  inputs: ['dy', 'weight'],
  infer(node) {
    const [n] = node.map(0);
    const [h, w] = node.integers('size', 2, 1) as [number, number];
    return [f32(n, h, w, node.input(1).shape[1]! * node.integer('groups', 1))];
  },
};

export const conv2dGradWeight: Op = {
  name: 'conv2d_grad_weight',
  inputs: ['x', 'dy'],
  infer(node) {
    const [, , , c] = node.map(0);
    const [, , , k] = node.map(1);
    const [kh, kw] = node.integers('kernel', 2, 1) as [number, number];
    return [f32(k, c / node.integer('groups', 1), kh, kw), node.flag('bias') ? f32(k) : undefined];
  },
};
