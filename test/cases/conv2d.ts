import { data, type OpCase, perChannel, weight } from './case.ts';

interface Conv {
  /** [N, H, W, C] */
  x: [number, number, number, number];
  k: number;
  kernel?: [number, number];
  stride?: [number, number];
  padding?: [number, number, number, number];
  dilation?: [number, number];
  groups?: number;
  bias?: boolean;
}

function parts({ x, k, kernel = [1, 1], groups = 1, bias = false, ...rest }: Conv) {
  const { stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1] } = rest;
  const inputs = [data(x), weight(k, x[3] / groups, ...kernel), bias ? perChannel(k) : undefined];
  return { inputs, attributes: { stride, padding, dilation, groups } };
}

/** A convolution case; stride 1, no padding, no bias by default. */
export const conv2dCase = (name: string, conv: Conv): OpCase => ({
  name,
  op: 'conv2d',
  ...parts(conv),
  gradient: true,
  integers: true,
});

const same: [number, number, number, number] = [1, 1, 1, 1];

const plain: OpCase[] = [
  conv2dCase('one element', { x: [1, 1, 1, 1], k: 1 }),
  conv2dCase('one element, bias', { x: [1, 1, 1, 1], k: 1, bias: true }),
  conv2dCase('one output position', { x: [2, 3, 3, 4], k: 5, kernel: [3, 3], bias: true }),
  conv2dCase('1x1, channels below a block', { x: [2, 5, 4, 3], k: 5 }),
  conv2dCase('1x1, one block of channels', { x: [2, 4, 5, 8], k: 8, bias: true }),
  conv2dCase('1x1, above a block', { x: [1, 3, 4, 17], k: 19 }),
  conv2dCase('1x1, two blocks, stride 2', { x: [2, 5, 7, 16], k: 16, stride: [2, 2] }),
  conv2dCase('1x1 with padding', { x: [1, 3, 2, 4], k: 3, padding: same, bias: true }),
  conv2dCase('3x3 same', { x: [2, 6, 5, 8], k: 8, kernel: [3, 3], padding: same }),
  conv2dCase('3x3, batch 1, prime sizes', {
    x: [1, 7, 11, 5],
    k: 7,
    kernel: [3, 3],
    padding: same,
    bias: true,
  }),
  conv2dCase('3x3, stride 2', { x: [2, 8, 7, 9], k: 10, kernel: [3, 3], stride: [2, 2], padding: same }),
  conv2dCase('3x3, three input channels', { x: [2, 9, 9, 3], k: 16, kernel: [3, 3], padding: same }),
  conv2dCase('7x7 stem', { x: [1, 15, 13, 3], k: 8, kernel: [7, 7], stride: [2, 2], padding: [3, 3, 3, 3] }),
  conv2dCase('4x4 patches', { x: [1, 8, 12, 3], k: 5, kernel: [4, 4], stride: [4, 4], bias: true }),
];

const shapes: OpCase[] = [
  conv2dCase('1x5 kernel', { x: [1, 4, 9, 3], k: 4, kernel: [1, 5], padding: [0, 0, 2, 2] }),
  conv2dCase('5x2 kernel, stride 2x1', { x: [2, 9, 4, 4], k: 3, kernel: [5, 2], stride: [2, 1], bias: true }),
  conv2dCase('one padding row below and right', {
    x: [1, 6, 6, 4],
    k: 4,
    kernel: [3, 3],
    stride: [2, 2],
    padding: [0, 1, 0, 1],
  }),
  conv2dCase('four different paddings', {
    x: [1, 5, 6, 3],
    k: 2,
    kernel: [4, 5],
    padding: [0, 3, 1, 2],
    bias: true,
  }),
  conv2dCase('stride larger than the kernel', { x: [2, 10, 11, 3], k: 4, kernel: [2, 2], stride: [3, 4] }),
  conv2dCase('last rows unused', { x: [1, 8, 8, 4], k: 4, kernel: [3, 3], stride: [4, 4] }),
  conv2dCase('dilation', { x: [1, 9, 10, 4], k: 5, kernel: [3, 3], dilation: [2, 3], padding: [2, 2, 3, 3] }),
  conv2dCase('dilation and stride', {
    x: [1, 11, 9, 3],
    k: 3,
    kernel: [3, 2],
    dilation: [2, 2],
    stride: [2, 3],
    padding: [1, 2, 0, 1],
    bias: true,
  }),
];

const grouped: OpCase[] = [
  conv2dCase('two groups', { x: [2, 4, 5, 6], k: 4, kernel: [3, 3], groups: 2, padding: same, bias: true }),
  conv2dCase('groups of a block', { x: [1, 4, 4, 16], k: 24, kernel: [3, 3], groups: 2, padding: same }),
  conv2dCase('32 groups of 4', { x: [1, 3, 3, 128], k: 128, kernel: [3, 3], groups: 32, padding: same }),
  conv2dCase('groups, 1x1', { x: [2, 3, 7, 15], k: 60, groups: 3, bias: true }),
  conv2dCase('groups of few channels, 1x1', { x: [1, 5, 11, 6], k: 14, groups: 2 }),
  conv2dCase('groups, 1x1, stride 2', { x: [2, 5, 5, 9], k: 12, groups: 3, stride: [2, 2] }),
  conv2dCase('depthwise', { x: [2, 6, 7, 8], k: 8, kernel: [3, 3], groups: 8, padding: same }),
  conv2dCase('depthwise, odd channels, stride 2', {
    x: [1, 7, 6, 11],
    k: 11,
    kernel: [3, 3],
    groups: 11,
    stride: [2, 2],
    padding: same,
    bias: true,
  }),
  conv2dCase('depthwise with multiplier', {
    x: [1, 5, 5, 3],
    k: 6,
    kernel: [3, 3],
    groups: 3,
    padding: same,
  }),
];

/** A convolution with bias, gate, residual and ReLU as they are asked for; its map keeps the input's size. */
export function conv2dFusedCase(
  name: string,
  conv: Conv,
  options: { gate?: boolean; residual?: boolean; relu?: boolean },
): OpCase {
  const { inputs, attributes } = parts(conv);
  const { x, k } = conv;
  const rest = [
    options.gate === true ? data([x[0], k], { fill: 'positive' }) : undefined,
    options.residual === true ? data([x[0], x[1], x[2], k]) : undefined,
  ];
  return {
    name,
    op: 'conv2d_fused',
    inputs: [...inputs, ...rest],
    attributes: { ...attributes, relu: options.relu ?? false },
    gradient: false,
    integers: true,
  };
}

const body: Conv = { x: [2, 5, 3, 6], k: 7, kernel: [3, 3], padding: same, bias: true };
const fusedCases: OpCase[] = [
  conv2dFusedCase('one element', { x: [1, 1, 1, 1], k: 1 }, { relu: true }),
  conv2dFusedCase('bias', body, {}),
  conv2dFusedCase('bias, relu', body, { relu: true }),
  conv2dFusedCase('residual', body, { residual: true }),
  conv2dFusedCase('residual, relu', body, { residual: true, relu: true }),
  conv2dFusedCase('gate', body, { gate: true }),
  conv2dFusedCase('gate, residual, relu', body, { gate: true, residual: true, relu: true }),
  conv2dFusedCase(
    'gate, residual, relu, no bias',
    { ...body, bias: false },
    { gate: true, residual: true, relu: true },
  ),
  conv2dFusedCase(
    'gate, 1x1, blocks',
    { x: [3, 4, 4, 16], k: 32, bias: true },
    { gate: true, residual: true, relu: true },
  ),
  conv2dFusedCase(
    'gate, one image',
    { x: [1, 7, 7, 8], k: 24, bias: true },
    { gate: true, residual: true, relu: true },
  ),
  conv2dFusedCase('gate, relu, depthwise', { ...body, k: 6, groups: 6 }, { gate: true, relu: true }),
  conv2dFusedCase('relu, groups, 1x1', { x: [1, 7, 7, 9], k: 120, groups: 3, bias: true }, { relu: true }),
  conv2dFusedCase(
    'gate, residual, relu, groups, 1x1',
    { x: [3, 5, 5, 12], k: 57, groups: 3, bias: true },
    { gate: true, residual: true, relu: true },
  ),
  conv2dFusedCase(
    'stride 2',
    { x: [2, 6, 6, 4], k: 9, kernel: [3, 3], stride: [2, 2], padding: same },
    { relu: true },
  ),
];

export const cases: OpCase[] = [...plain, ...shapes, ...grouped, ...fusedCases];
