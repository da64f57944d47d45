/** A model's parameters and states: initial values first, then tensors on its device. */
import type { Device } from './device.ts';
import { ArgumentError, DisposedError, ShapeError, StateError, WeightsError } from './errors.ts';
import { formatShape, sameShape, sizeOf } from './ir/graph.ts';
import type { ParameterSpec } from './layers/model_builder.ts';
import { Tensor } from './tensor.ts';
import { initialValues } from './train/initialize.ts';

/** A tensor of a state dict. */
export interface StateTensor {
  /** PyTorch's shape: OIHW for convolutions, [out, in] for linear layers. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Parameters and running statistics under PyTorch's names. */
export type StateDict = ReadonlyMap<string, StateTensor>;

const storedShape = (spec: ParameterSpec): readonly number[] => spec.storedShape ?? spec.shape;

/** Compares a state dict with what the model has; null when all fits. */
export function mismatches(
  specs: readonly ParameterSpec[],
  dict: StateDict,
  strict: boolean,
): WeightsError | null {
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const missing = specs.filter(({ name }) => !dict.has(name)).map(({ name }) => name);
  // PyTorch counts batches beside the running statistics; nothing here needs it.
  const unexpected = [...dict.keys()].filter(
    (name) => !known.has(name) && !name.endsWith('.num_batches_tracked'),
  );
  const mismatched = [...dict].flatMap(([name, { shape }]) => {
    const spec = known.get(name);
    if (spec === undefined || sameShape(shape, storedShape(spec)) || sameShape(shape, spec.shape)) return [];
    return [`${name} (expected ${formatShape(storedShape(spec))}, received ${formatShape(shape)})`];
  });
  const wrong = mismatched.length > 0 || (strict && missing.length + unexpected.length > 0);
  return wrong ? new WeightsError({ missing, unexpected, mismatched }) : null;
}

export class Weights {
  readonly specs: readonly ParameterSpec[];
  readonly #seed: number;
  /** Values that wait for a device. */
  #host = new Map<string, Float32Array>();
  #device: Device | undefined;
  #tensors = new Map<string, Tensor>();
  #disposed = false;

  constructor(specs: readonly ParameterSpec[], seed: number) {
    this.specs = specs;
    this.#seed = seed;
  }

  /** The tensors by name; filled by {@link attach}. */
  get tensors(): ReadonlyMap<string, Tensor> {
    return this.#tensors;
  }

  /** Moves the values to a device. */
  async attach(device: Device): Promise<void> {
    const values = await this.#values();
    this.#check();
    this.#release();
    for (const [i, spec] of this.specs.entries()) {
      const tensor = new Tensor(device, spec.name, spec.shape);
      this.#tensors.set(spec.name, tensor);
      await device.write([tensor.handle], [values[i]!]);
      this.#check();
    }
    this.#device = device;
    this.#host.clear();
  }

  /** Adds zeroed states beside the model's own, such as the optimizer's; earlier ones of the same name are dropped. */
  addStates(states: readonly { name: string; shape: readonly number[] }[]): void {
    const device = this.#device;
    if (device === undefined) throw new StateError('addStates: expected weights on a device');
    for (const { name, shape } of states) {
      this.#tensors.get(name)?.dispose();
      this.#tensors.set(name, new Tensor(device, name, shape));
    }
  }

  async stateDict(): Promise<StateDict> {
    const values = await this.#values();
    return new Map(this.specs.map((spec, i) => [spec.name, { shape: storedShape(spec), data: values[i]! }]));
  }

  /** Takes over a state dict; if anything does not fit, nothing changes. */
  async load(dict: StateDict, strict: boolean): Promise<void> {
    this.#check();
    const error = mismatches(this.specs, dict, strict);
    if (error !== null) throw error;
    const found = this.specs.filter(({ name }) => dict.has(name));
    for (const { name, shape } of found) {
      const data: unknown = dict.get(name)!.data;
      if (!(data instanceof Float32Array)) throw new ArgumentError(`${name}: expected a Float32Array`);
      if (data.length !== sizeOf(shape)) {
        throw new ShapeError(`${name}: expected ${sizeOf(shape)} elements, received ${data.length}`);
      }
    }
    const device = this.#device;
    if (device === undefined) {
      for (const { name } of found) this.#host.set(name, dict.get(name)!.data.slice());
      return;
    }
    await device.write(
      found.map(({ name }) => this.#tensors.get(name)!.handle),
      found.map(({ name }) => dict.get(name)!.data),
    );
  }

  /** Remembers every tensor, states included; the returned function puts them all back. */
  async snapshot(): Promise<() => Promise<void>> {
    const device = this.#device;
    if (device === undefined) return async () => undefined;
    const handles = [...this.#tensors.values()].map((tensor) => tensor.handle);
    const values = await device.read(handles);
    return () => device.write(handles, values);
  }

  dispose(): void {
    this.#disposed = true;
    this.#host.clear();
    this.#release();
  }

  #release(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors = new Map();
    this.#device = undefined;
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError('the model');
  }

  /** The current values in the order of the specs. */
  async #values(): Promise<Float32Array[]> {
    this.#check();
    const device = this.#device;
    if (device !== undefined)
      return device.read(this.specs.map(({ name }) => this.#tensors.get(name)!.handle));
    const values: Float32Array[] = [];
    for (const [i, spec] of this.specs.entries()) {
      const given = this.#host.get(spec.name);
      values.push(given ?? (await initialValues(spec, this.#seed, i)));
    }
    return values;
  }
}
