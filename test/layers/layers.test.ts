/** What each layer adds to the graph: one row per layer with its nodes, its output and its parameters. */
import { expect, test } from 'vitest';
import {
  add,
  avgPool,
  basicBlock,
  batchNorm,
  bottleneck,
  channelShuffle,
  channelSlice,
  concat,
  conv2d,
  dropout,
  dropPath,
  type Feature,
  type FeatureMap,
  flatten,
  globalAvgPool,
  globalMaxPool,
  hardSigmoid,
  hardSwish,
  linear,
  maxPool,
  multiply,
  normActivation,
  normTail,
  pad,
  relu,
  relu6,
  scale,
  shake,
  sigmoid,
  silu,
  squeezeExcite,
  tanh,
} from '../../lib/index.ts';
import { describeOne, partsOf } from './describe_one.ts';

interface Row {
  readonly part: (x: FeatureMap<6>) => Feature;
  /** Ops in order; a map has a `global_avg_pool` after it. */
  readonly ops: string;
  readonly shape: readonly number[];
  /** Attributes that the first node has, at least. */
  readonly attributes?: Record<string, unknown>;
  /** Names and shapes. */
  readonly parameters?: Record<string, readonly number[]>;
}

const norm = (name: string, channels: number) =>
  Object.fromEntries(
    ['weight', 'bias', 'running_mean', 'running_var'].map((p) => [`${name}.${p}`, [channels]]),
  );
const excitation = (name: string, channels: number, reduced: number) => ({
  [`${name}.fc1.weight`]: [reduced, channels],
  [`${name}.fc1.bias`]: [reduced],
  [`${name}.fc2.weight`]: [channels, reduced],
  [`${name}.fc2.bias`]: [channels],
});

const rows: Record<string, Row> = {
  'conv2d as it comes': {
    part: (x) => conv2d(x, { filters: 4, kernel: 3 }),
    ops: 'conv2d',
    shape: [1, 9, 8, 4],
    attributes: { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 },
    parameters: { 'conv1.weight': [4, 6, 3, 3], 'conv1.bias': [4] },
  },
  'conv2d with every option': {
    part: (x) =>
      conv2d(x, {
        filters: 4,
        kernel: [3, 2],
        stride: [2, 1],
        padding: [0, 1, 2, 3],
        dilation: [1, 2],
        groups: 2,
        bias: false,
        name: 'c',
      }),
    ops: 'conv2d',
    shape: [1, 4, 11, 4],
    attributes: { stride: [2, 1], padding: [0, 1, 2, 3], dilation: [1, 2], groups: 2 },
    parameters: { 'c.weight': [4, 3, 3, 2] },
  },
  "conv2d's even kernel, dilated": {
    part: (x) => conv2d(x, { filters: 4, kernel: [4, 2], dilation: [1, 3] }),
    ops: 'conv2d',
    shape: [1, 9, 8, 4],
    attributes: { padding: [1, 2, 1, 2] },
    parameters: { 'conv1.weight': [4, 6, 4, 2], 'conv1.bias': [4] },
  },
  'conv2d, depthwise and without padding': {
    part: (x) => conv2d(x, { filters: 6, kernel: 3, groups: 6, padding: 'valid', bias: false }),
    ops: 'conv2d',
    shape: [1, 7, 6, 6],
    attributes: { padding: [0, 0, 0, 0], groups: 6 },
    parameters: { 'conv1.weight': [6, 1, 3, 3] },
  },
  linear: {
    part: (x) => linear(globalAvgPool(x), { units: 5, bias: false }),
    ops: 'global_avg_pool linear',
    shape: [1, 5],
    parameters: { 'linear1.weight': [5, 6] },
  },
  'batchNorm of a map': {
    part: (x) => batchNorm(x, { eps: 1e-3 }),
    ops: 'batch_norm',
    shape: [1, 9, 8, 6],
    attributes: { eps: 1e-3, training: false, frozen: false },
    parameters: norm('bn1', 6),
  },
  'batchNorm of a vector, frozen': {
    part: (x) => batchNorm(globalAvgPool(x), { frozen: true, name: 'n' }),
    ops: 'global_avg_pool batch_norm',
    shape: [1, 6],
    parameters: norm('n', 6),
  },
  relu: { part: (x) => relu(x), ops: 'activation', shape: [1, 9, 8, 6], attributes: { kind: 'relu' } },
  sigmoid: {
    part: (x) => sigmoid(x),
    ops: 'activation',
    shape: [1, 9, 8, 6],
    attributes: { kind: 'sigmoid' },
  },
  tanh: { part: (x) => tanh(x), ops: 'activation', shape: [1, 9, 8, 6], attributes: { kind: 'tanh' } },
  silu: { part: (x) => silu(x), ops: 'activation', shape: [1, 9, 8, 6], attributes: { kind: 'silu' } },
  hardSwish: {
    part: (x) => hardSwish(x),
    ops: 'activation',
    shape: [1, 9, 8, 6],
    attributes: { kind: 'hard_swish' },
  },
  hardSigmoid: {
    part: (x) => hardSigmoid(x),
    ops: 'activation',
    shape: [1, 9, 8, 6],
    attributes: { kind: 'hard_sigmoid' },
  },
  relu6: { part: (x) => relu6(x), ops: 'activation', shape: [1, 9, 8, 6], attributes: { kind: 'relu6' } },
  maxPool: {
    part: (x) => maxPool(x, { kernel: 3, stride: 2, padding: 1 }),
    ops: 'max_pool',
    shape: [1, 5, 4, 6],
    attributes: { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], ceil: false, training: false },
  },
  'maxPool, rounded up': {
    part: (x) => maxPool(x, { kernel: 2, ceil: true }),
    ops: 'max_pool',
    shape: [1, 5, 4, 6],
    attributes: { stride: [2, 2], padding: [0, 0, 0, 0], ceil: true },
  },
  avgPool: {
    part: (x) => avgPool(x, { kernel: [3, 2], padding: [1, 0], countIncludePad: false }),
    ops: 'avg_pool',
    shape: [1, 3, 4, 6],
    attributes: { kernel: [3, 2], stride: [3, 2], padding: [1, 1, 0, 0], countIncludePad: false },
  },
  globalAvgPool: { part: (x) => globalAvgPool(x), ops: 'global_avg_pool', shape: [1, 6] },
  globalMaxPool: {
    part: (x) => globalMaxPool(x),
    ops: 'global_max_pool',
    shape: [1, 6],
    attributes: { training: false },
  },
  add: { part: (x) => add(x, x), ops: 'add', shape: [1, 9, 8, 6] },
  'multiply by a map': { part: (x) => multiply(x, x), ops: 'multiply', shape: [1, 9, 8, 6] },
  'multiply by a vector': {
    part: (x) => multiply(x, globalMaxPool(x)),
    ops: 'global_max_pool multiply',
    shape: [1, 9, 8, 6],
  },
  concat: { part: (x) => concat([x, x, x]), ops: 'concat', shape: [1, 9, 8, 18] },
  channelSlice: {
    part: (x) => channelSlice(x, { start: 1, end: 6 }),
    ops: 'channel_slice',
    shape: [1, 9, 8, 5],
    attributes: { start: 1, end: 6 },
  },
  channelShuffle: {
    part: (x) => channelShuffle(x, { groups: 3 }),
    ops: 'channel_shuffle',
    shape: [1, 9, 8, 6],
    attributes: { groups: 3 },
  },
  pad: {
    part: (x) => pad(x, { padding: [1, -1, 2, 0] }),
    ops: 'pad',
    shape: [1, 9, 10, 6],
    attributes: { padding: [1, -1, 2, 0] },
  },
  flatten: { part: (x) => flatten(x), ops: 'flatten', shape: [1, 432] },
  dropout: {
    part: (x) => dropout(x, { rate: 0.25 }),
    ops: 'dropout',
    shape: [1, 9, 8, 6],
    attributes: { rate: 0.25, stream: 0, whole: false },
  },
  scale: {
    part: (x) => scale(x, { factor: 0.1 }),
    ops: 'scale',
    shape: [1, 9, 8, 6],
    attributes: { factor: 0.1 },
  },
  shake: {
    part: (x) => shake(x, relu(x), { backward: 'even' }),
    ops: 'activation shake',
    shape: [1, 9, 8, 6],
  },
  dropPath: {
    part: (x) => dropPath(x, { rate: 0.25 }),
    ops: 'dropout',
    shape: [1, 9, 8, 6],
    attributes: { rate: 0.25, stream: 0, whole: true },
  },
  squeezeExcite: {
    part: (x) => squeezeExcite(x, { reduction: 4 }),
    ops: 'squeeze_excite',
    shape: [1, 9, 8, 6],
    attributes: { squeeze: 'avg', gate: 'sigmoid', hidden: 'relu' },
    parameters: excitation('se1', 6, 1),
  },
  'squeezeExcite of another kind': {
    part: (x) => squeezeExcite(x, { reducedWidth: 3, squeeze: 'none', gate: 'tanh', bias: false, name: 's' }),
    ops: 'squeeze_excite',
    shape: [1, 9, 8, 6],
    attributes: { squeeze: 'none', gate: 'tanh', hidden: 'relu' },
    parameters: { 's.fc1.weight': [3, 6], 's.fc2.weight': [6, 3] },
  },
  normTail: {
    part: (x) => normTail(x),
    ops: 'norm_tail',
    shape: [1, 9, 8, 6],
    attributes: { relu: true, training: false, frozen: false, eps: 1e-5 },
    parameters: norm('bn1', 6),
  },
  'normActivation of a ReLU alone': {
    part: (x) => normActivation(x),
    ops: 'norm_tail',
    shape: [1, 9, 8, 6],
    attributes: { relu: true, eps: 1e-5 },
    parameters: norm('bn1', 6),
  },
  'normActivation with an SE block': {
    part: (x) =>
      normActivation(x, {
        name: 'a',
        activation: 'silu',
        squeezeExcite: { reducedWidth: 3, hidden: 'silu' },
        eps: 1e-3,
        frozen: true,
      }),
    ops: 'norm_activation',
    shape: [1, 9, 8, 6],
    attributes: { activation: 'silu', gate: 'sigmoid', hidden: 'silu', eps: 1e-3, frozen: true },
    parameters: { ...norm('a', 6), ...excitation('se1', 6, 3) },
  },
  'normTail with all that can ride on it': {
    part: (x) =>
      normTail(x, {
        name: 'a',
        identity: x,
        identityNorm: 'b',
        squeezeExcite: { reduction: 2, gate: 'relu', hidden: 'silu' },
        eps: 1e-3,
        relu: false,
      }),
    ops: 'norm_tail',
    shape: [1, 9, 8, 6],
    attributes: { relu: false, gate: 'relu', hidden: 'silu', eps: 1e-3, eps2: 1e-3 },
    parameters: { ...norm('a', 6), ...norm('b', 6), ...excitation('se1', 6, 3) },
  },
  'basicBlock, as it was': {
    part: (x) => basicBlock(x, { filters: 6 }),
    ops: 'conv2d norm_tail conv2d norm_tail',
    shape: [1, 9, 8, 6],
    parameters: {
      'basicBlock1.conv1.weight': [6, 6, 3, 3],
      ...norm('basicBlock1.bn1', 6),
      'basicBlock1.conv2.weight': [6, 6, 3, 3],
      ...norm('basicBlock1.bn2', 6),
    },
  },
  'basicBlock, projected and with SE': {
    part: (x) => basicBlock(x, { filters: 8, stride: 2, se: { reduction: 4 }, name: 'b' }),
    ops: 'conv2d norm_tail conv2d conv2d norm_tail',
    shape: [1, 5, 4, 8],
    attributes: { stride: [2, 2] },
    parameters: {
      'b.conv1.weight': [8, 6, 3, 3],
      ...norm('b.bn1', 8),
      'b.conv2.weight': [8, 8, 3, 3],
      'b.downsample.0.weight': [8, 6, 1, 1],
      ...norm('b.bn2', 8),
      ...norm('b.downsample.1', 8),
      ...excitation('b.se', 8, 2),
    },
  },
  'basicBlock with another squeeze': {
    part: (x) => basicBlock(x, { filters: 6, se: { squeeze: 'max', reduction: 3 }, name: 'b' }),
    ops: 'conv2d norm_tail conv2d batch_norm squeeze_excite add activation',
    shape: [1, 9, 8, 6],
    parameters: {
      'b.conv1.weight': [6, 6, 3, 3],
      ...norm('b.bn1', 6),
      'b.conv2.weight': [6, 6, 3, 3],
      ...norm('b.bn2', 6),
      ...excitation('b.se', 6, 2),
    },
  },
  bottleneck: {
    part: (x) => bottleneck(x, { filters: 8, stride: 2, strideIn: '1x1', name: 'b' }),
    ops: 'conv2d norm_tail conv2d norm_tail conv2d conv2d norm_tail',
    shape: [1, 5, 4, 8],
    attributes: { stride: [2, 2], padding: [0, 0, 0, 0] },
    parameters: {
      'b.conv1.weight': [2, 6, 1, 1],
      ...norm('b.bn1', 2),
      'b.conv2.weight': [2, 2, 3, 3],
      ...norm('b.bn2', 2),
      'b.conv3.weight': [8, 2, 1, 1],
      'b.downsample.0.weight': [8, 6, 1, 1],
      ...norm('b.bn3', 8),
      ...norm('b.downsample.1', 8),
    },
  },
};

test.each(Object.entries(rows))('%s', (_, row) => {
  const { definition, shape } = describeOne(row.part);
  const { nodes, parameters } = partsOf(definition);
  const pooled = shape.length === 4 ? ' global_avg_pool' : '';
  expect(nodes.map(({ op }) => op).join(' ')).toBe(row.ops + pooled);
  expect(shape).toEqual(row.shape);
  expect(nodes[0]!.attributes).toMatchObject(row.attributes ?? {});
  expect(Object.fromEntries(parameters.map((spec) => [spec.name, spec.shape]))).toEqual(row.parameters ?? {});
});
