/** Turns a case into graphs, and runs a graph on a device with given tensors. */
import type { Device } from '../../lib/device.ts';
import { differentiate } from '../../lib/graph/autodiff.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { decompose } from '../../lib/graph/passes/decompose.ts';
import { replay } from '../../lib/graph/rewrite.ts';
import { ABSENT, type DType, type Graph } from '../../lib/ir/graph.ts';
import { findOp } from '../../lib/ops/index.ts';
import { Program } from '../../lib/program.ts';
import { Tensor } from '../../lib/tensor.ts';
import { gradientPositions, type OpCase } from '../cases/index.ts';
import { type RefTensor, tensor } from '../reference/index.ts';
import { Random } from './random.ts';

export const inputName = (position: number): string => `input ${position}`;

/** The case's inputs in a builder, by position. */
function declareInputs(builder: GraphBuilder, { inputs }: OpCase): number[] {
  return inputs.map((spec, i) => {
    if (spec === undefined) return ABSENT;
    const type = { shape: spec.shape, dtype: spec.dtype };
    if (spec.role === 'data') return builder.input(inputName(i), type);
    return spec.role === 'parameter'
      ? builder.parameter(inputName(i), type)
      : builder.state(inputName(i), type);
  });
}

/** The case as a graph of one node whose outputs are all given out. */
export function forwardGraph(testCase: OpCase): Graph {
  const builder = new GraphBuilder();
  builder.layer = testCase.name;
  const outputs = builder.emit(testCase.op, declareInputs(builder, testCase), testCase.attributes);
  return builder.finish(outputs.filter((id) => id !== ABSENT));
}

/** Normally distributed float32 values for each input and parameter of a graph, by name. */
export function randomInputs(graph: Graph, seed: string): Map<string, RefTensor> {
  const random = new Random(seed);
  const feeds = new Map<string, RefTensor>();
  for (const { kind, name, shape } of graph.values) {
    if (kind !== 'input' && kind !== 'parameter') continue;
    const values = tensor([...shape]);
    feeds.set(name, { ...values, data: values.data.map(() => Math.fround(random.normal())) });
  }
  return feeds;
}

/** Name of the input that holds the gradient arriving at the case's first output. */
export const SEED = 'seed';

/**
 * The case's gradients: outputs are the gradient in each position of `gradientPositions`, for the scalar
 * sum(first output * seed). The op is put in its training form first, and decomposed where it has no rule of its own.
 */
export function gradientGraph(testCase: OpCase, decomposed = false): Graph {
  const graph = decompose(
    forwardGraph(testCase),
    (op) => (decomposed && op === testCase.op) || findOp(op).gradient === undefined,
  );
  const builder = new GraphBuilder();
  const map = replay(graph, builder, ({ node, inputs }) => {
    const extra = findOp(node.op).trainingAttributes;
    // A case that says training: false is about running statistics and stays so.
    const keeps = node.attributes['frozen'] === true || testCase.attributes['training'] === false;
    if (extra === undefined || (keeps && node.op.includes('norm'))) return undefined;
    return builder.emit(node.op, inputs, { ...node.attributes, ...extra });
  });
  const y = map[graph.outputs[0]!]!;
  const seed = builder.input(SEED, { shape: builder.type(y).shape, dtype: 'f32' });
  const names = gradientPositions(testCase).map(inputName);
  const wanted = names.map((name) => builder.values.find((value) => value.name === name)!.id);
  const gradients = differentiate(builder, y, seed, wanted);
  return builder.finish(wanted.map((id) => gradients.get(id)!));
}

/** The shape and type of the seed of a gradient graph. */
export const seedShape = (graph: Graph): readonly number[] =>
  graph.values.find(({ name }) => name === SEED)!.shape;

const toArray = (dtype: DType, { data }: RefTensor): Float32Array | Int32Array | Uint8Array => {
  if (dtype === 'f32') return Float32Array.from(data);
  return dtype === 'i32' ? Int32Array.from(data) : Uint8Array.from(data);
};

export interface DeviceRun {
  readonly outputs: (Float32Array | Int32Array | Uint8Array)[];
  /** Parameters and states after the run, by name. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
  readonly steps: Program['steps'];
}

/** Compiles and runs a graph; feeds are by name. */
export async function runOnDevice(
  device: Device,
  graph: Graph,
  feeds: ReadonlyMap<string, RefTensor>,
): Promise<DeviceRun> {
  const kept = graph.values.filter(({ kind }) => kind === 'parameter' || kind === 'state');
  const tensors = new Map(kept.map(({ name, shape }) => [name, new Tensor(device, name, shape)]));
  const handles = [...tensors.values()].map((tensor) => tensor.handle);
  await device.write(
    handles,
    kept.map(({ name, dtype }) => toArray(dtype, feeds.get(name)!)),
  );
  const program = await Program.compile(device, graph, tensors);
  try {
    const inputs = graph.values.filter(({ kind }) => kind === 'input');
    const outputs = await program.run(
      Object.fromEntries(inputs.map(({ name, dtype }) => [name, toArray(dtype, feeds.get(name)!)])),
    );
    const after = await device.read(handles);
    const left = new Map([...tensors.keys()].map((name, i) => [name, after[i]!]));
    return { outputs, tensors: left, steps: program.steps };
  } finally {
    program.dispose();
    for (const tensor of tensors.values()) tensor.dispose();
  }
}

/** The feeds of a case by name. */
export function feedsOf(inputs: readonly (RefTensor | undefined)[]): Map<string, RefTensor> {
  return new Map(inputs.flatMap((value, i) => (value === undefined ? [] : [[inputName(i), value] as const])));
}
