/** ONNX operators that compute: each as our op, NCHW and NHWC being the same to everything but Reshape and Transpose. */
import { type ActivationKind, activationKinds } from '../ops/activation.ts';
import type { FloatConstant } from './constant.ts';
import type { ImportNode } from './import_node.ts';
import type { Feature, Look, Value } from './values.ts';

/** What a rule gives for each of the node's outputs. */
export type ImportRule = (node: ImportNode) => readonly Value[];

const MAP: Look = { kind: 'map' };

/** [top, bottom, left, right] from ONNX's beginnings and ends, or its rules that depend on the size. */
function padding(
  node: ImportNode,
  size: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): number[] {
  const auto = node.text('auto_pad', 'NOTSET');
  if (auto === 'VALID') return [0, 0, 0, 0];
  if (auto === 'NOTSET') {
    const [top, left, bottom, right] = node.ints('pads', [0, 0, 0, 0], 4) as [number, number, number, number];
    return [top, bottom, left, right];
  }
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER')
    node.unsupported(`auto_pad: '${auto}' is not supported`);
  return [0, 1].flatMap((axis) => {
    const out = Math.ceil(size[axis]! / stride[axis]!);
    const reach = (out - 1) * stride[axis]! + dilation[axis]! * (kernel[axis]! - 1) + 1;
    const total = Math.max(0, reach - size[axis]!);
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
}

/** Whether a feature's only reader is the node that reads this output. */
const isReadOnce = (node: ImportNode): boolean => node.uses.get(node.outputs[0] ?? '') === 1;

function biasOf(node: ImportNode, bias: FloatConstant, size: number, scale = 1): number {
  const { dims } = bias;
  const count = dims.reduce((product, d) => product * d, 1);
  if (count !== size) node.fail(`bias: expected ${size} numbers, found [${dims.join(', ')}]`);
  return node.target.parameter(bias, {
    shape: [size],
    ...(scale !== 1 && { change: { key: `*${scale}`, apply: (values) => values.map((v) => v * scale) } }),
  });
}

/** A layer that may be given a bias by the node behind it. */
function layer(node: ImportNode, look: Look, size: number, make: (bias: number[]) => number): Feature {
  const plain = node.feed(make([]), look);
  if (!isReadOnce(node)) return plain;
  return { ...plain, withBias: (bias) => node.feed(make([biasOf(node, bias, size)]), look) };
}

function pointwiseOnVector(node: ImportNode, weight: FloatConstant): Feature {
  const [k, c] = weight.dims as [number, number];
  const x = node.feature(0).id;
  const matrix = node.target.parameter(weight, { shape: [k, c], keepsShape: true });
  const look: Look = { kind: 'vector', ones: 2 };
  if (node.has(2)) {
    return node.feed(node.emit('linear', [x, matrix, biasOf(node, node.constant(2, 1), k)]), look);
  }
  return layer(node, look, k, (bias) => node.emit('linear', [x, matrix, ...bias]));
}

const conv: ImportRule = (node) => {
  const weight = node.constant(1, 4);
  const [filters, , kh, kw] = weight.dims as [number, number, number, number];
  const stride = node.ints('strides', [1, 1], 2, 1);
  const dilation = node.ints('dilations', [1, 1], 2, 1);
  const kernel = node.ints('kernel_shape', [kh, kw], 2, 1);
  if (kernel[0] !== kh || kernel[1] !== kw) {
    node.fail(`kernel_shape: expected the weight's ${kh}x${kw}, found ${kernel.join('x')}`);
  }
  const groups = node.int('group', 1);
  const { look } = node.feature(0);
  const isVector = look.kind === 'vector' && look.ones === 2;
  const size = isVector ? [1, 1] : node.shape(node.feature(0)).slice(1, 3);
  const pads = padding(node, size, kernel, stride, dilation);
  const single = kh === 1 && kw === 1 && groups === 1 && pads.every((p) => p === 0);
  if (isVector && single) return [pointwiseOnVector(node, weight)];
  const x = node.map(0);
  const id = node.target.parameter(weight);
  const attributes = { stride, padding: pads, dilation, groups };
  if (node.has(2)) {
    const bias = biasOf(node, node.constant(2, 1), filters);
    return [node.feed(node.emit('conv2d', [x, id, bias], attributes), MAP)];
  }
  return [layer(node, MAP, filters, (bias) => node.emit('conv2d', [x, id, ...bias], attributes))];
};

/** Rows become columns. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) turned[j * rows + i] = values[i * columns + j]!;
  }
  return turned;
}

/** A matrix of weights as [out, in]. */
function matrix(node: ImportNode, constant: FloatConstant, isTransposed: boolean, scale = 1): number {
  const [rows, columns] = constant.dims as [number, number];
  const scaled = (values: Float32Array) => (scale === 1 ? values : values.map((v) => v * scale));
  if (isTransposed && scale === 1) return node.target.parameter(constant);
  return node.target.parameter(constant, {
    shape: isTransposed ? [rows, columns] : [columns, rows],
    change: {
      key: `${isTransposed ? '' : 'T'}*${scale}`,
      apply: (values) => scaled(isTransposed ? values : transposed(values, rows, columns)),
    },
  });
}

const VECTOR: Look = { kind: 'vector', ones: 0 };

const gemm: ImportRule = (node) => {
  node.expectInt('transA', 0);
  const weight = node.constant(1, 2);
  const isTransposed = node.int('transB', 0) === 1;
  const id = matrix(node, weight, isTransposed, node.float('alpha', 1));
  const units = weight.dims[isTransposed ? 0 : 1]!;
  const x = node.vector(0);
  const beta = node.float('beta', 1);
  if (!node.has(2)) return [layer(node, VECTOR, units, (bias) => node.emit('linear', [x, id, ...bias]))];
  return [node.feed(node.emit('linear', [x, id, biasOf(node, node.constant(2), units, beta)]), VECTOR)];
};

const matmul: ImportRule = (node) => {
  const weight = node.constant(1, 2);
  const id = matrix(node, weight, false);
  const x = node.vector(0);
  return [layer(node, VECTOR, weight.dims[1]!, (bias) => node.emit('linear', [x, id, ...bias]))];
};

/** A change of each channel that training leaves as it is: `gamma * x + beta`. */
function affine(node: ImportNode, x: Feature, gamma: number, beta: number): Feature {
  const channels = node.shape(x).at(-1)!;
  const mean = node.target.filled('zero', channels, 0);
  const variance = node.target.filled('one', channels, 1);
  const id = node.emit('batch_norm', [x.id, gamma, beta, mean, variance], {
    eps: 0,
    training: false,
    frozen: true,
  });
  return node.feed(id, x.look);
}

/** A constant that holds one number for each channel of a feature, or one for all. */
function channelConstant(node: ImportNode, x: Feature, constant: FloatConstant): number {
  const dims = node.dims(x);
  const channels = dims[0]!;
  if (x.look.kind === 'split') node.unsupported('a sum or product between the halves of a channel shuffle');
  const reversed = constant.dims.toReversed();
  const place = dims.length - 1;
  const count = reversed.reduce((product, d) => product * d, 1);
  if (count === 1) {
    const value = constant.load()[0]!;
    return node.target.filled(`number ${value}`, channels, value);
  }
  if (count !== channels || reversed[place] !== channels) {
    node.unsupported(
      `a constant of [${constant.dims.join(', ')}] beside [N, ${dims.join(', ')}]: expected one number for each channel`,
    );
  }
  return node.target.parameter(constant, { shape: [channels], kind: 'state' });
}

/** Whichever input is computed from the images, and the constant beside it, where one is. */
function split(node: ImportNode): { x: Feature; constant: FloatConstant } | undefined {
  const [a, b] = [node.value(0), node.value(1)];
  if (b.kind === 'floats') return { x: node.feature(0), constant: b };
  if (a.kind === 'floats') return { x: node.feature(1), constant: a };
  return undefined;
}

const sameLook = (a: Feature, b: Feature): boolean => JSON.stringify(a.look) === JSON.stringify(b.look);

const add: ImportRule = (node) => {
  const mixed = split(node);
  if (mixed !== undefined) {
    const { x, constant } = mixed;
    const channels = node.shape(x).at(-1)!;
    const ones = constant.dims.filter((d) => d !== 1).length <= 1;
    const perChannel = ones && constant.dims.reduce((product, d) => product * d, 1) === channels;
    const place = constant.dims.length - node.dims(x).length;
    if (perChannel && x.withBias !== undefined && constant.dims[place] === channels) {
      return [x.withBias(constant)];
    }
    return [affine(node, x, node.target.filled('one', channels, 1), channelConstant(node, x, constant))];
  }
  const [a, b] = [node.feature(0), node.feature(1)];
  if (!sameLook(a, b)) node.unsupported('a sum of features of different shapes');
  return [node.feed(node.emit('add', [a.id, b.id]), a.look)];
};

const mul: ImportRule = (node) => {
  const mixed = split(node);
  if (mixed !== undefined) {
    const { x, constant } = mixed;
    const channels = node.shape(x).at(-1)!;
    return [affine(node, x, channelConstant(node, x, constant), node.target.filled('zero', channels, 0))];
  }
  const pair = [node.feature(0), node.feature(1)] as const;
  const positions = (feature: Feature) =>
    node
      .shape(feature)
      .slice(1, -1)
      .reduce((a, b) => a * b, 1);
  const isSecond = pair[0].look.kind === 'vector' || positions(pair[1]) > positions(pair[0]);
  const [x, factor] = isSecond && pair[1].look.kind === 'map' ? [pair[1], pair[0]] : pair;
  const gates = x.look.kind === 'map' && factor.look.kind === 'vector' && factor.look.ones === 2;
  if (!gates && !sameLook(x, factor)) node.unsupported('a product of features of different shapes');
  // A gate whose layers were convolutions of a map of one position.
  const isPoint = x.look.kind === 'map' && positions(factor) === 1 && positions(x) !== 1 && !gates;
  const factorId = isPoint ? node.emit('flatten', [factor.id]) : factor.id;
  return [node.feed(node.emit('multiply', [x.id, factorId]), x.look)];
};

const batchNorm: ImportRule = (node) => {
  node.expectInt('training_mode', 0);
  const x = node.feature(0);
  if (x.look.kind === 'split' || x.look.kind === 'rows') node.unsupported('a norm of a reshaped map');
  const [gamma, beta] = [1, 2].map((i) => node.target.parameter(node.constant(i, 1)));
  const [mean, variance] = [3, 4].map((i) => node.target.parameter(node.constant(i, 1), { kind: 'state' }));
  const id = node.emit('batch_norm', [x.id, gamma!, beta!, mean!, variance!], {
    eps: node.float('epsilon', 1e-5),
    training: false,
    frozen: false,
  });
  return [node.feed(id, x.look)];
};

function activate(node: ImportNode, kind: string): readonly Value[] {
  const known = activationKinds.find((k: ActivationKind) => k === kind);
  if (known === undefined) node.unsupported(`the activation ${kind}`);
  const x = node.feature(0);
  return [node.feed(node.emit('activation', [x.id], { kind: known! }), x.look)];
}

const clip: ImportRule = (node) => {
  const low = node.has(1) ? node.number(1) : Number.NEGATIVE_INFINITY;
  const high = node.has(2) ? node.number(2) : Number.POSITIVE_INFINITY;
  // Float32's largest number stands for no bound in some files.
  if (low === 0 && high >= 3.4e38) return activate(node, 'relu');
  if (low === 0 && high === 6) return activate(node, 'relu6');
  return node.unsupported(`a Clip between ${low} and ${high}: expected 0 and 6, or 0 and no bound`);
};

const hardSigmoid: ImportRule = (node) => {
  const [alpha, beta] = [node.float('alpha', 0.2), node.float('beta', 0.5)];
  if (Math.abs(alpha - 1 / 6) > 1e-6 || beta !== 0.5) {
    node.unsupported(`a HardSigmoid with alpha ${alpha} and beta ${beta}: expected 1/6 and 0.5`);
  }
  return activate(node, 'hard_sigmoid');
};

const pool =
  (op: 'max_pool' | 'avg_pool'): ImportRule =>
  (node) => {
    const x = node.map(0);
    const kernel = node.ints('kernel_shape', [], 2, 1);
    const stride = node.ints('strides', [1, 1], 2, 1);
    if (node.ints('dilations', [1, 1], 2, 1).some((d) => d !== 1)) node.unsupported('a pool with dilation');
    node.expectInt('storage_order', 0);
    const size = node.target.builder.type(x).shape.slice(1, 3);
    const extra =
      op === 'max_pool' ? { training: false } : { countIncludePad: node.int('count_include_pad', 0) === 1 };
    const id = node.emit(op, [x], {
      kernel,
      stride,
      padding: padding(node, size, kernel, stride, [1, 1]),
      ceil: node.int('ceil_mode', 0) === 1,
      ...extra,
    });
    return [node.feed(id, MAP)];
  };

/** The squeeze, with or without the two dimensions that it leaves empty. */
export function squeeze(node: ImportNode, op: 'global_avg_pool' | 'global_max_pool', ones: number): Feature {
  const { id, look } = node.feature(0);
  const x = look.kind === 'rows' ? id : node.map(0);
  return node.feed(node.emit(op, [x], op === 'global_max_pool' ? { training: false } : {}), {
    kind: 'vector',
    ones,
  });
}

const softmax: ImportRule = (node) => {
  const id = node.vector(0);
  const axis = node.int('axis', node.opset >= 13 ? -1 : 1);
  if (axis !== 1 && axis !== -1) node.unsupported(`axis: expected the classes, found ${axis}`);
  return [{ ...node.feed(id, VECTOR), isProbabilities: true }];
};

export const layerRules: Readonly<Record<string, ImportRule>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matmul,
  Add: add,
  Mul: mul,
  BatchNormalization: batchNorm,
  Relu: (node) => activate(node, 'relu'),
  Sigmoid: (node) => activate(node, 'sigmoid'),
  Tanh: (node) => activate(node, 'tanh'),
  HardSwish: (node) => activate(node, 'hard_swish'),
  HardSigmoid: hardSigmoid,
  Clip: clip,
  MaxPool: pool('max_pool'),
  AveragePool: pool('avg_pool'),
  GlobalAveragePool: (node) => [squeeze(node, 'global_avg_pool', 2)],
  GlobalMaxPool: (node) => [squeeze(node, 'global_max_pool', 2)],
  Softmax: softmax,
};
