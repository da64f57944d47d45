/** What is checked of an op's case on a device. Each check throws where the device is wrong; no test framework is needed. */
import type { Device } from '../../lib/device.ts';
import { decompose } from '../../lib/graph/passes/decompose.ts';
import { ABSENT, type Graph } from '../../lib/ir/graph.ts';
import { gateTolerance, gradientPositions, inputsOf, type OpCase, reductionOf } from '../cases/index.ts';
import { interpret, type RefTensor, tensor } from '../reference/index.ts';
import {
  feedsOf,
  forwardGraph,
  gradientGraph,
  inputName,
  runOnDevice,
  SEED,
  seedShape,
} from './case_graph.ts';
import { expectClose, expectExact, expectRounded, roundTo } from './close.ts';
import { Random } from './random.ts';

type Feeds = ReadonlyMap<string, RefTensor>;

/** Computes what is expected of a graph: its outputs, and by name the tensors that it has changed. */
export type Oracle = (graph: Graph, feeds: Feeds) => Promise<Expected>;

export interface Expected {
  readonly outputs: readonly RefTensor[];
  readonly tensors: Feeds;
}

export interface CheckOptions {
  /** Small whole numbers, whose results float32 holds exactly, instead of values of any kind. */
  readonly integers?: boolean;
  /**
   * Bits that the device keeps of a map, or of a factor; default 24, float32. Values that are fed have no more, so that
   * a result differs by one rounding.
   */
  readonly bits?: number;
  /** The smallest number that the device keeps, for maps in float16; values that are fed are multiples of it. */
  readonly step?: number;
  /** Share of a tensor's elements about which a last bit decides; default 0. */
  readonly outliers?: number;
  /** See CloseOptions in close.ts; default 1. */
  readonly amplification?: number;
  /** Default: the float64 reference. */
  readonly oracle?: Oracle;
}

const FLOAT32_BITS = 24;

/** The float64 reference; it changes copies of what is fed, as a device changes its tensors. */
export const reference: Oracle = async (graph, feeds) => {
  const tensors = new Map([...feeds].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
  return { outputs: interpret(graph, tensors), tensors };
};

/** Another device as the oracle. */
export const resultsOf =
  (device: Device): Oracle =>
  async (graph, feeds) => {
    const { outputs, tensors } = await runOnDevice(device, graph, feeds);
    const shapes = graph.outputs.map((id) => graph.values[id]!.shape);
    return {
      outputs: outputs.map((data, i) => tensor(shapes[i]!, data)),
      tensors: new Map([...tensors].map(([name, data]) => [name, tensor(feeds.get(name)!.shape, data)])),
    };
  };

/** Values for a case, by name of the input. */
function caseFeeds(testCase: OpCase, { integers = false, bits = FLOAT32_BITS, step = 0 }: CheckOptions) {
  const inputs = inputsOf(testCase, { integers });
  const kept = inputs.map((value, i) => {
    if (value === undefined || testCase.inputs[i]?.dtype !== 'f32') return value;
    return { shape: value.shape, data: value.data.map((x) => roundTo(bits, x, step)) };
  });
  return feedsOf(kept);
}

/** Values for a case's gradient graph, with the gradient that arrives at its first output. */
export function gradientFeeds(
  testCase: OpCase,
  graph: Graph,
  options: CheckOptions = {},
): Map<string, RefTensor> {
  const { integers = false, bits = FLOAT32_BITS, step = 0 } = options;
  const random = new Random(`seed ${testCase.op} ${testCase.name}`);
  const seed = tensor(seedShape(graph));
  const next = () => (integers ? random.integer(-2, 2) : roundTo(bits, random.normal(), step));
  return caseFeeds(testCase, options).set(SEED, { shape: seed.shape, data: seed.data.map(next) });
}

interface Allowed {
  readonly reduction: number;
  readonly atol: number;
}

function compare(
  actual: Float32Array | Int32Array | Uint8Array,
  expected: RefTensor,
  { integers = false, bits = FLOAT32_BITS, outliers: share = 0, amplification = 1 }: CheckOptions,
  allowed: Allowed,
  label: string,
): void {
  if (integers && bits === FLOAT32_BITS) expectExact(actual, expected, label);
  else if (integers) expectRounded(actual, expected, bits, label);
  else {
    const dtype = actual instanceof Float32Array ? 'f32' : 'i32';
    const outliers = Math.ceil(share * actual.length);
    expectClose(actual, expected, {
      ...allowed,
      ...(bits < FLOAT32_BITS && { bits }),
      ...{ dtype, outliers, amplification, label },
    });
  }
}

/** The order of a mask's bits is the device's own; its use is checked through the gradient. */
const isComparable = (op: string, position: number): boolean => !(op === 'norm_tail' && position === 8);

/**
 * Outputs, and what the op changes in place, against what is expected of them.
 *
 * @returns what was expected
 */
export async function checkForward(
  device: Device,
  testCase: OpCase,
  options: CheckOptions = {},
): Promise<RefTensor[]> {
  const graph = forwardGraph(testCase);
  const feeds = caseFeeds(testCase, options);
  const run = await runOnDevice(device, graph, feeds);
  const expected = await (options.oracle ?? reference)(graph, feeds);
  const allowed = {
    reduction: reductionOf(testCase).forward,
    atol: testCase.tolerance?.forward ?? 0,
  };
  const given = graph.nodes[0]!.outputs.flatMap((id, position) => (id === ABSENT ? [] : [position]));
  given.forEach((position, i) => {
    if (!isComparable(testCase.op, position)) return;
    compare(run.outputs[i]!, expected.outputs[i]!, options, allowed, `output ${position}`);
  });
  const changed = (testCase.mutates ?? []).map(inputName);
  for (const name of changed) {
    compare(run.tensors.get(name)!, expected.tensors.get(name)!, options, allowed, `changed ${name}`);
  }
  return [...expected.outputs, ...changed.map((name) => expected.tensors.get(name)!)];
}

/** Gradients against what is expected of them. */
export async function checkGradient(
  device: Device,
  testCase: OpCase,
  options: CheckOptions = {},
): Promise<void> {
  const graph = gradientGraph(testCase);
  const feeds = gradientFeeds(testCase, graph, options);
  const { outputs } = await runOnDevice(device, graph, feeds);
  const expected = await (options.oracle ?? reference)(graph, feeds);
  const allowed = {
    reduction: reductionOf(testCase).gradient,
    atol: testCase.tolerance?.gradient ?? gateTolerance(testCase),
  };
  gradientPositions(testCase).forEach((position, i) => {
    compare(outputs[i]!, expected.outputs[i]!, options, allowed, `gradient in input ${position}`);
  });
}

/** The fused op against the plain ops that it stands for, on the same device. */
export async function checkFused(device: Device, testCase: OpCase): Promise<void> {
  const graph = forwardGraph(testCase);
  const first = { ...graph, outputs: graph.outputs.slice(0, 1) };
  const feeds = caseFeeds(testCase, {});
  const fused = await runOnDevice(device, first, feeds);
  const plain = await runOnDevice(
    device,
    decompose(first, (op) => op === testCase.op),
    feeds,
  );
  const expected = tensor(graph.values[graph.outputs[0]!]!.shape, plain.outputs[0]!);
  const allowed = {
    reduction: reductionOf(testCase).forward,
    atol: 2 * (testCase.tolerance?.forward ?? 0),
  };
  compare(fused.outputs[0]!, expected, {}, allowed, 'fused');
}

/** The gradients of the fused op against those of the plain ops, on the same device. */
export async function checkFusedGradient(device: Device, testCase: OpCase): Promise<void> {
  const graph = gradientGraph(testCase);
  const feeds = gradientFeeds(testCase, graph);
  const fused = await runOnDevice(device, graph, feeds);
  const plain = await runOnDevice(device, gradientGraph(testCase, true), feeds);
  const allowed = {
    reduction: reductionOf(testCase).gradient,
    atol: 2 * (testCase.tolerance?.gradient ?? gateTolerance(testCase)),
  };
  fused.outputs.forEach((actual, i) => {
    const expected = tensor(graph.values[graph.outputs[i]!]!.shape, plain.outputs[i]!);
    compare(actual, expected, {}, allowed, `gradient ${i}`);
  });
}
