/** A model's parameters and states: initial values first, then tensors on its device. */
import type { Device } from './device.ts';
import { ArgumentError, DisposedError, ShapeError, StateError, WeightsError } from './errors.ts';
import { formatShape, sameShape, sizeOf } from './ir/graph.ts';
import type { ParameterSpec } from './layers/model_builder.ts';
import { Tensor } from './tensor.ts';
import { initialValues } from './train/initialize.ts';
import { type LoadResult, type MatchSettings, matchWeights, storedShape } from './weight_files/match.ts';
import type { StateDict, StateTensor } from './weight_files/state_dict.ts';

export type { StateDict, StateTensor } from './weight_files/state_dict.ts';

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
  async load(dict: StateDict, settings: MatchSettings): Promise<LoadResult> {
    this.#check();
    const { sources, ...result } = matchWeights(this.specs, dict, settings);
    const values = new Map<string, Float32Array>();
    for (const [name, source] of sources) {
      const data: unknown = dict.get(source)!.data;
      if (!(data instanceof Float32Array)) throw new ArgumentError(`${source}: expected a Float32Array`);
      const size = sizeOf(dict.get(source)!.shape);
      if (data.length !== size) {
        throw new ShapeError(`${source}: expected ${size} elements, received ${data.length}`);
      }
      values.set(name, this.#device === undefined ? data.slice() : data);
    }
    await this.assign(values);
    return result;
  }

  /** Takes over values that are known to fit, by the names of the specs; the arrays belong to the weights from then on. */
  async assign(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.#check();
    const device = this.#device;
    if (device === undefined) {
      for (const [name, data] of values) this.#host.set(name, data);
      return;
    }
    await device.write(
      [...values.keys()].map((name) => this.#tensors.get(name)!.handle),
      [...values.values()],
    );
  }

  /** Every tensor as it is now, those of {@link addStates} under names that begin with `#`. */
  async capture(): Promise<Map<string, StateTensor>> {
    const weights = await this.stateDict();
    const states = this.#states();
    const values = (await this.#device?.read(states.map(({ handle }) => handle))) ?? [];
    return new Map([
      ...weights,
      ...states.map(({ name, shape }, i) => [`#${name}`, { shape, data: values[i]! }] as const),
    ]);
  }

  /**
   * Puts back what {@link capture} gave.
   *
   * @throws WeightsError if any tensor is missing, unknown or of another shape; nothing has changed then
   */
  async restore(captured: ReadonlyMap<string, StateTensor>): Promise<void> {
    const expected = new Map<string, readonly number[]>([
      ...this.specs.map((spec) => [spec.name, storedShape(spec)] as const),
      ...this.#states().map(({ name, shape }) => [`#${name}`, shape] as const),
    ]);
    const missing = [...expected.keys()].filter((name) => !captured.has(name));
    const unexpected = [...captured.keys()].filter((name) => !expected.has(name));
    const mismatched = [...expected].flatMap(([name, shape]) => {
      const found = captured.get(name)?.shape;
      if (found === undefined || sameShape(found, shape)) return [];
      return [`${name} (expected ${formatShape(shape)}, received ${formatShape(found)})`];
    });
    if (missing.length + unexpected.length + mismatched.length > 0)
      throw new WeightsError({ missing, unexpected, mismatched });
    await this.assign(new Map([...captured].map(([name, { data }]) => [name.replace(/^#/, ''), data])));
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

  /** Tensors beside the model's own. */
  #states(): Tensor[] {
    const own = new Set(this.specs.map(({ name }) => name));
    return [...this.#tensors.values()].filter(({ name }) => !own.has(name));
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
