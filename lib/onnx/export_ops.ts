/**
 * How each op of a forward graph is said in ONNX. Maps are [N, C, H, W] there; a vector is [N, C] or, near the squeeze and
 * the gate of an SE block, [N, C, 1, 1], so that its layers are the 1x1 convolutions that PyTorch has.
 */
import { UnsupportedError } from '../errors.ts';
import type { Node } from '../ir/graph.ts';
import type { AttributeInput, OnnxGraph } from './onnx_graph.ts';

/** What a rule sees of its node. */
export interface ExportContext {
  readonly graph: OnnxGraph;
  readonly node: Node;
  readonly opset: number;
  /** Shape of an input or output in our layout: [1, H, W, C], [1, C] or a parameter's own. */
  shape(id: number): readonly number[];
  /** Name of an input as it is: a map, a parameter, or a vector in either form. */
  input(position: number): string;
  has(position: number): boolean;
  /** Whether a vector is [N, C, 1, 1]. */
  isMap(position: number): boolean;
  /** Name of a vector as [N, C]; maps and parameters are as they are. */
  flat(position: number): string;
  /** Name of a vector as [N, C, 1, 1]; maps are as they are. */
  asMap(position: number): string;
  /** Dimensions under which a parameter is stored. */
  stored(position: number): readonly number[];
  emit(
    opType: string,
    input: readonly string[],
    attributes?: Readonly<Record<string, AttributeInput>>,
  ): string;
}

/** The name of the output, and whether it is a vector in the form of a map. */
export interface Exported {
  readonly name: string;
  readonly isMap?: boolean;
}

type Rule = (context: ExportContext) => Exported;

const list = (node: Node, key: string): readonly number[] => node.attributes[key] as readonly number[];

/** ONNX has all the beginnings first. */
const pads = ([top, bottom, left, right]: readonly number[]): number[] => [top!, left!, bottom!, right!];

const convolution: Rule = (c) => ({
  name: c.emit('Conv', c.has(2) ? [c.input(0), c.input(1), c.input(2)] : [c.input(0), c.input(1)], {
    dilations: list(c.node, 'dilation'),
    group: Number(c.node.attributes['groups']),
    kernel_shape: c.shape(c.node.inputs[1]!).slice(2),
    pads: pads(list(c.node, 'padding')),
    strides: list(c.node, 'stride'),
  }),
});

/** A layer stored as a 1x1 convolution is one; any other is a matrix product. */
const linear: Rule = (c) => {
  const bias = c.has(2) ? [c.input(2)] : [];
  if (c.stored(1).length === 4) {
    return { name: c.emit('Conv', [c.asMap(0), c.input(1), ...bias], { kernel_shape: [1, 1] }), isMap: true };
  }
  return { name: c.emit('Gemm', [c.flat(0), c.input(1), ...bias], { transB: 1 }) };
};

/** One input in, the same form out. */
const elementwise = (c: ExportContext, emit: (x: string) => string): Exported => ({
  name: emit(c.input(0)),
  isMap: c.isMap(0),
});

const activations: Readonly<Record<string, (c: ExportContext, x: string) => string>> = {
  relu: (c, x) => c.emit('Relu', [x]),
  sigmoid: (c, x) => c.emit('Sigmoid', [x]),
  tanh: (c, x) => c.emit('Tanh', [x]),
  relu6: (c, x) => c.emit('Clip', [x, c.graph.scalar(0), c.graph.scalar(6)]),
  silu: (c, x) => c.emit('Mul', [x, c.emit('Sigmoid', [x])]),
  hard_sigmoid: (c, x) => hardSigmoid(c, x),
  hard_swish: (c, x) => (c.opset >= 14 ? c.emit('HardSwish', [x]) : c.emit('Mul', [x, hardSigmoid(c, x)])),
};

const hardSigmoid = (c: ExportContext, x: string): string =>
  c.emit('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });

const activation: Rule = (c) => {
  const kind = String(c.node.attributes['kind']);
  const rule = Object.hasOwn(activations, kind) ? activations[kind] : undefined;
  if (rule === undefined) {
    throw new UnsupportedError(`exportOnnx: ${c.node.layer}: the activation '${kind}' is not in ONNX`);
  }
  return elementwise(c, (x) => rule(c, x));
};

/** Two inputs of one kind, or a map and a vector that scales its channels. */
const binary =
  (opType: string): Rule =>
  (c) => {
    const isMap = c.isMap(0) || c.isMap(1) || c.shape(c.node.outputs[0]!).length === 4;
    const inputs = isMap ? [c.asMap(0), c.asMap(1)] : [c.input(0), c.input(1)];
    return { name: c.emit(opType, inputs), isMap };
  };

/**
 * Windows as ours: where a rounded-up size lets the last window hang over, the padding reaches to its end. Versions of
 * ONNX differ in what its own ceil_mode means.
 */
function windows(c: ExportContext): { pads: number[]; hangs: boolean } {
  const [kernel, stride] = [list(c.node, 'kernel'), list(c.node, 'stride')];
  const [top, bottom, left, right] = list(c.node, 'padding') as [number, number, number, number];
  const [, h, w] = c.shape(c.node.inputs[0]!) as [number, number, number];
  const [, outH, outW] = c.shape(c.node.outputs[0]!) as [number, number, number];
  const reach = (out: number, axis: number, size: number, before: number) =>
    (out - 1) * stride[axis]! + kernel[axis]! - size - before;
  const [down, across] = [reach(outH, 0, h, top), reach(outW, 1, w, left)];
  return {
    pads: [top, left, Math.max(bottom, down), Math.max(right, across)],
    hangs: down > bottom || across > right,
  };
}

const pool =
  (opType: 'MaxPool' | 'AveragePool'): Rule =>
  (c) => {
    const { pads: all, hangs } = windows(c);
    const counted = c.node.attributes['countIncludePad'] === true;
    if (counted && hangs) {
      throw new UnsupportedError(
        `exportOnnx: ${c.node.layer}: an average that counts padding with windows that hang over it is not in ONNX`,
      );
    }
    return {
      name: c.emit(opType, [c.input(0)], {
        kernel_shape: list(c.node, 'kernel'),
        pads: all,
        strides: list(c.node, 'stride'),
        ...(opType === 'AveragePool' && { count_include_pad: counted ? 1 : 0 }),
      }),
    };
  };

/** Channels are the second dimension of maps and vectors alike. */
const concat: Rule = (c) => ({
  name: c.emit(
    'Concat',
    c.node.inputs.map((_, i) => c.flat(i)),
    { axis: 1 },
  ),
});

const channelSlice: Rule = (c) => {
  const at = (key: string) => c.graph.integers([Number(c.node.attributes[key])]);
  return {
    name: c.emit('Slice', [c.input(0), at('start'), at('end'), c.graph.integers([1])]),
    isMap: c.isMap(0),
  };
};

const pad: Rule = (c) => {
  const [top, left, bottom, right] = pads(list(c.node, 'padding')) as [number, number, number, number];
  return { name: c.emit('Pad', [c.input(0), c.graph.integers([0, 0, top, left, 0, 0, bottom, right])]) };
};

const channelShuffle: Rule = (c) => {
  const shape = c.shape(c.node.inputs[0]!);
  const channels = shape.at(-1)!;
  const groups = Number(c.node.attributes['groups']);
  // A zero keeps the batch as it is.
  const rest = shape.slice(1, -1);
  const split = c.graph.integers([0, groups, channels / groups, ...rest]);
  const apart = c.emit('Reshape', [c.flat(0), split]);
  const perm = [0, 2, 1, ...rest.map((_, i) => i + 3)];
  const turned = c.emit('Transpose', [apart], { perm });
  return { name: c.emit('Reshape', [turned, c.graph.integers([0, channels, ...rest])]) };
};

/** Of parameters alone: an excitation's weights, which are stored as convolutions already. */
const reshape: Rule = (c) => {
  const wanted = list(c.node, 'shape');
  if (c.stored(0).join() === wanted.join()) return { name: c.input(0) };
  return { name: c.emit('Reshape', [c.input(0), c.graph.integers(wanted)]) };
};

/** The rules by op; what is not here is decomposed first. */
export const exportRules: Readonly<Record<string, Rule>> = {
  conv2d: convolution,
  linear,
  activation,
  batch_norm: (c) =>
    elementwise(c, (x) =>
      c.emit('BatchNormalization', [x, ...[1, 2, 3, 4].map((i) => c.input(i))], {
        epsilon: { float: Number(c.node.attributes['eps']) },
      }),
    ),
  add: binary('Add'),
  scale: (c) =>
    elementwise(c, (x) => c.emit('Mul', [x, c.graph.scalar(Number(c.node.attributes['factor']))])),
  multiply: binary('Mul'),
  concat,
  channel_slice: channelSlice,
  channel_shuffle: channelShuffle,
  pad,
  max_pool: pool('MaxPool'),
  avg_pool: pool('AveragePool'),
  global_avg_pool: (c) => ({ name: c.emit('GlobalAveragePool', [c.input(0)]), isMap: true }),
  global_max_pool: (c) => ({ name: c.emit('GlobalMaxPool', [c.input(0)]), isMap: true }),
  flatten: (c) => ({ name: c.emit('Flatten', [c.input(0)], { axis: 1 }) }),
  softmax: (c) => ({ name: c.emit('Softmax', [c.flat(0)], { axis: 1 }) }),
  reshape,
};
