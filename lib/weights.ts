/** A model's parameters and states: initial values first, then tensors on its device. */
import type { Device } from './device.ts';
import { ArgumentError, DisposedError, ShapeError, StateError, WeightsError } from './errors.ts';
import { averageName, gradientName } from './graph/update.ts';
import { formatShape, sameShape, sizeOf } from './ir/graph.ts';
import type { ParameterSpec } from './layers/model_builder.ts';
import { Tensor } from './tensor.ts';
import { initialValues } from './train/initialize.ts';
import { type LoadResult, type MatchSettings, matchWeights, storedShape } from './weight_files/match.ts';
import type { StateDict, StateTensor } from './weight_files/state_dict.ts';
import type { WeightsKind } from './weights_kind.ts';

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

  /** The tensors by name, with moving averages in place of those that have one. */
  get averaged(): ReadonlyMap<string, Tensor> {
    return new Map([...this.#tensors].map(([name, tensor]) => [name, this.#averageOf(name) ?? tensor]));
  }

  /** Refuses to use moving averages where there are none. */
  require(verb: string, kind: WeightsKind | undefined): void {
    if (kind !== 'ema' || this.specs.some(({ name }) => this.#averageOf(name) !== undefined)) return;
    throw new StateError(`${verb}: weights: expected a model compiled with ema, received 'ema' without`);
  }

  /** Moves the values to a device; those of `averaged` names have moving averages, too, which start at the values. */
  async attach(device: Device, averaged: ReadonlySet<string> = new Set()): Promise<void> {
    const values = await this.#values();
    this.#check();
    this.#release();
    for (const [i, { name, shape }] of this.specs.entries()) {
      for (const tensorName of averaged.has(name) ? [name, averageName(name)] : [name]) {
        const tensor = new Tensor(device, tensorName, shape);
        this.#tensors.set(tensorName, tensor);
        await device.write([tensor.handle], [values[i]!]);
        this.#check();
      }
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

  /** The values, or their moving averages where they have one. */
  async stateDict(averaged = false): Promise<StateDict> {
    const values = await this.#values(averaged);
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

  /**
   * Takes over values that are known to fit, by the names of tensors; the arrays belong to the weights from then on.
   * Moving averages that are not among them start anew at the values.
   */
  async assign(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.#check();
    const device = this.#device;
    if (device === undefined) {
      for (const [name, data] of values) this.#host.set(name, data);
      return;
    }
    const named = [...values].map(([name, data]) => [this.#tensors.get(name)!, data] as const);
    const averages = [...values].flatMap(([name, data]) => {
      const average = this.#averageOf(name);
      return average === undefined || values.has(average.name) ? [] : [[average, data] as const];
    });
    const all = [...named, ...averages];
    await device.write(
      all.map(([tensor]) => tensor.handle),
      all.map(([, data]) => data),
    );
  }

  /**
   * Every tensor as it is now, those of {@link addStates} under names that begin with `#`.
   *
   * @param gradients whether gradients that wait for an update are among them
   */
  async capture(gradients: boolean): Promise<Map<string, StateTensor>> {
    const weights = await this.stateDict();
    const states = this.#states(gradients);
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
  async restore(captured: ReadonlyMap<string, StateTensor>, gradients: boolean): Promise<void> {
    const expected = new Map<string, readonly number[]>([
      ...this.specs.map((spec) => [spec.name, storedShape(spec)] as const),
      ...this.#states(gradients).map(({ name, shape }) => [`#${name}`, shape] as const),
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

  #averageOf(name: string): Tensor | undefined {
    return this.#tensors.get(averageName(name));
  }

  /** Tensors beside the model's own. */
  #states(gradients: boolean): Tensor[] {
    const left = new Set(this.specs.flatMap(({ name }) => (gradients ? [name] : [name, gradientName(name)])));
    return [...this.#tensors.values()].filter(({ name }) => !left.has(name));
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
  async #values(averaged = false): Promise<Float32Array[]> {
    this.#check();
    const device = this.#device;
    if (device !== undefined) {
      const tensors = averaged ? this.averaged : this.#tensors;
      return device.read(this.specs.map(({ name }) => tensors.get(name)!.handle));
    }
    const values: Float32Array[] = [];
    for (const [i, spec] of this.specs.entries()) {
      const given = this.#host.get(spec.name);
      values.push(given ?? (await initialValues(spec, this.#seed, i)));
    }
    return values;
  }
}
