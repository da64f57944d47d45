/** Programs: graphs compiled for a device. One native call runs all of a graph. */
import type { Device } from './device.ts';
import { ArgumentError, DisposedError, ShapeError } from './errors.ts';
import { decompose } from './graph/passes/decompose.ts';
import { type DType, formatShape, type Graph, sameShape, sizeOf, type Value } from './ir/graph.ts';
import { encodeGraph } from './ir/message.ts';
import { callNative, type NativeArray, type ProgramHandle, type StepInfo } from './native.ts';
import type { Tensor } from './tensor.ts';

const arrayTypes = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;

/** Inputs of a run by name. */
export type ProgramInputs = Readonly<Record<string, NativeArray>>;

/** Time and kernel of one step of a profiled run. */
export interface StepProfile extends StepInfo {
  /** Milliseconds measured, or in a plan the fewest the device could take. */
  readonly ms: number;
}

/** What a device can do at most. */
export interface Peak {
  /** Bytes a second between memory and the processor. */
  readonly bandwidth: number;
  /** Floating-point operations a second in convolutions. */
  readonly flops: number;
}

/** An H100 (SXM5): 3.35 TB/s, and 800 TFLOP/s of 16-bit products, which is what large ones reach of its 989. */
export const h100: Peak = { bandwidth: 3.35e12, flops: 8e14 };

function toArray(buffer: ArrayBuffer, dtype: DType): NativeArray {
  return new arrayTypes[dtype](buffer);
}

function checkInput(value: Value, array: NativeArray | undefined): NativeArray {
  const expected = arrayTypes[value.dtype];
  if (!(array instanceof expected)) {
    const received = array === undefined ? 'none' : (Object(array) as object).constructor.name;
    throw new ArgumentError(`${value.name}: expected a ${expected.name}, received ${received}`);
  }
  if (array.length !== sizeOf(value.shape)) {
    throw new ShapeError(
      `${value.name}: expected ${sizeOf(value.shape)} elements (${formatShape(value.shape)}), received ${array.length}`,
    );
  }
  return array;
}

/** The tensors of a graph's parameters and states in the order of its values. */
function bindTensors(graph: Graph, tensors: ReadonlyMap<string, Tensor>): Tensor[] {
  return graph.values
    .filter(({ kind }) => kind === 'parameter' || kind === 'state')
    .map(({ name, shape }) => {
      const tensor = tensors.get(name);
      if (tensor === undefined)
        throw new ArgumentError(`compile: expected a tensor for '${name}', received none`);
      if (!sameShape(tensor.shape, shape)) {
        throw new ShapeError(
          `compile: '${name}': expected ${formatShape(shape)}, received ${formatShape(tensor.shape)}`,
        );
      }
      return tensor;
    });
}

/** A graph compiled for a device. */
export class Program {
  readonly device: Device;
  readonly #graph: Graph;
  #handle: ProgramHandle | undefined;
  /** Bytes of intermediates; programs of one device share the memory. */
  readonly arenaBytes: number;
  /** Bytes of folded and packed weights. */
  readonly constantBytes: number;
  /** The steps in order of execution. */
  readonly steps: readonly StepInfo[];

  private constructor(device: Device, graph: Graph, handle: ProgramHandle) {
    this.device = device;
    this.#graph = graph;
    this.#handle = handle;
    const info = callNative((addon) => addon.programInfo(handle));
    this.arenaBytes = info.arenaBytes;
    this.constantBytes = info.constantBytes;
    this.steps = info.steps;
  }

  /**
   * Compiles a graph. Ops that the device lacks are decomposed first.
   *
   * @param tensors The tensor of each parameter and state by name; the program reads and writes them in place.
   */
  static async compile(device: Device, graph: Graph, tensors: ReadonlyMap<string, Tensor>): Promise<Program> {
    const plain = decompose(graph, (op) => !device.supports(op));
    const bound = bindTensors(plain, tensors).map((tensor) => tensor.handle);
    const handle = await callNative((addon) => addon.compile(device.handle, encodeGraph(plain), bound));
    return new Program(device, plain, handle);
  }

  /** Runs the program; resolves to its outputs in order. The input arrays may be reused at once. */
  async run(inputs: ProgramInputs): Promise<NativeArray[]> {
    const { outputs } = await this.#submit(inputs, false);
    return outputs;
  }

  /** Runs the program and reports the time of each step. */
  async profile(inputs: ProgramInputs): Promise<StepProfile[]> {
    const { stepMs } = await this.#submit(inputs, true);
    return this.steps.map((step, i) => ({ ...step, ms: stepMs[i] ?? 0 }));
  }

  /** The fewest milliseconds of each step that runs each time: what its bytes or its operations need, whichever is more. */
  plan(peak: Peak): StepProfile[] {
    return this.steps
      .filter(({ constant }) => !constant)
      .map((step) => ({ ...step, ms: 1e3 * Math.max(step.bytes / peak.bandwidth, step.flops / peak.flops) }));
  }

  dispose(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) callNative((addon) => addon.dispose(handle));
  }

  async #submit(inputs: ProgramInputs, profile: boolean) {
    const handle = this.#handle;
    if (handle === undefined) throw new DisposedError('the program');
    const arrays = this.#graph.values
      .filter(({ kind }) => kind === 'input')
      .map((value) => checkInput(value, inputs[value.name]));
    const result = await callNative((addon) => addon.run(this.device.handle, handle, arrays, profile));
    const outputs = this.#graph.outputs.map((id, i) =>
      toArray(result.outputs[i]!, this.#graph.values[id]!.dtype),
    );
    return { outputs, stepMs: result.stepMs ?? [] };
  }
}
