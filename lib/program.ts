/** Programs: graphs compiled for a device. One native call runs all of a graph. */
import type { Device } from './device.ts';
import { ArgumentError, DisposedError, ShapeError } from './errors.ts';
import { decompose } from './graph/passes/decompose.ts';
import { type DType, formatShape, type Graph, sameShape, sizeOf, type Value } from './ir/graph.ts';
import { encodeGraph } from './ir/message.ts';
import {
  callNative,
  type InputsHandle,
  type NativeArray,
  type ProgramHandle,
  type StepInfo,
} from './native.ts';
import { leastMs, type Peak } from './profile/peak.ts';
import { InputPool, stageInput } from './staging.ts';
import type { Tensor } from './tensor.ts';

const arrayTypes = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const;

/** Inputs of a run by name. */
export type ProgramInputs = Readonly<Record<string, NativeArray>>;

/** Time and kernel of one step of a profiled run. */
export interface StepProfile extends StepInfo {
  /** Milliseconds measured, or in a plan the fewest the device could take. */
  readonly ms: number;
}

const inputValues = (graph: Graph): Value[] => graph.values.filter(({ kind }) => kind === 'input');

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

/** Inputs of one run of a program, copied; on a GPU they are sent while it computes. Must be run or discarded. */
export class StagedInputs {
  readonly #graph: Graph;
  readonly #pool: InputPool;
  /** Names of inputs without a value yet. */
  readonly #missing: Set<string>;
  #handle: InputsHandle | undefined;

  /** Takes over `handle`. */
  constructor(graph: Graph, pool: InputPool, handle: InputsHandle) {
    this.#graph = graph;
    this.#pool = pool;
    this.#handle = handle;
    this.#missing = new Set(inputValues(graph).map(({ name }) => name));
  }

  /** Copies those inputs that are given; their arrays must not change meanwhile. */
  async add(inputs: ProgramInputs): Promise<void> {
    for (const [index, value] of inputValues(this.#graph).entries()) {
      if (!(value.name in inputs)) continue;
      await stageInput(this.#owned(), index, checkInput(value, inputs[value.name]));
      this.#missing.delete(value.name);
    }
  }

  /** Runs the program, once; resolves to its outputs in order. */
  async run(): Promise<NativeArray[]> {
    return (await this.#submit(false)).outputs;
  }

  /** Runs the program, once, and reports the milliseconds of each step. */
  async profile(): Promise<readonly number[]> {
    return (await this.#submit(true)).stepMs;
  }

  /** Gives the inputs up. After a run, or a second time, it does nothing. */
  discard(): void {
    this.#release(false);
  }

  #owned(): InputsHandle {
    if (this.#handle === undefined) throw new DisposedError('the staged inputs');
    return this.#handle;
  }

  #release(usable: boolean): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) this.#pool.give(handle, usable);
  }

  async #submit(profile: boolean) {
    const [missing] = this.#missing;
    if (missing !== undefined) throw new ArgumentError(`${missing}: expected a value, received none`);
    const handle = this.#owned();
    let usable = false;
    try {
      const { outputs, stepMs = [] } = await callNative((addon) => addon.run(handle, profile));
      usable = true;
      const { values, outputs: ids } = this.#graph;
      return { outputs: ids.map((id, i) => toArray(outputs[i]!, values[id]!.dtype)), stepMs };
    } finally {
      this.#release(usable);
    }
  }
}

/** A graph compiled for a device. */
export class Program {
  readonly device: Device;
  readonly #graph: Graph;
  readonly #pool: InputPool;
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
    this.#pool = new InputPool(handle);
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

  /**
   * Copies inputs for a later run. Two sets of them exist at most: when one is in use and one is staged, this waits.
   *
   * @param inputs Some or all; the others can be added.
   */
  async stage(inputs: ProgramInputs): Promise<StagedInputs> {
    for (const value of inputValues(this.#graph)) {
      if (value.name in inputs) checkInput(value, inputs[value.name]);
    }
    const staged = new StagedInputs(this.#graph, this.#pool, await this.#pool.take());
    try {
      await staged.add(inputs);
      return staged;
    } catch (error) {
      staged.discard();
      throw error;
    }
  }

  /** Runs the program; resolves to its outputs in order. */
  async run(inputs: ProgramInputs): Promise<NativeArray[]> {
    const staged = await this.stage(inputs);
    return staged.run();
  }

  /** Runs the program and reports the time of each step. */
  async profile(inputs: ProgramInputs): Promise<StepProfile[]> {
    const staged = await this.stage(inputs);
    const stepMs = await staged.profile();
    return this.steps.map((step, i) => ({ ...step, ms: stepMs[i] ?? 0 }));
  }

  /** Step by step the median of several runs, after one to warm up. */
  async medianProfile(inputs: ProgramInputs, runs: number): Promise<StepProfile[]> {
    await this.run(inputs);
    const profiles: StepProfile[][] = [];
    for (let i = 0; i < runs; i += 1) profiles.push(await this.profile(inputs));
    return profiles[0]!.map((step, i) => {
      const sorted = profiles.map((profile) => profile[i]!.ms).sort((a, b) => a - b);
      return { ...step, ms: sorted[Math.floor(runs / 2)]! };
    });
  }

  /** The fewest milliseconds of each step that runs each time: what its bytes or its operations need, whichever is more. */
  plan(peak: Peak): StepProfile[] {
    return this.steps
      .filter(({ constant }) => !constant)
      .map((step) => ({ ...step, ms: leastMs(step, peak) }));
  }

  /** Lets go of the program; inputs that are staged already can still be run. More than once does nothing. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    this.#pool.close();
    callNative((addon) => addon.dispose(handle));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
