/** The compiled programs of a model, one for each kind and batch size, made when first needed. */
import type { Device } from './device.ts';
import { DisposedError } from './errors.ts';
import type { Graph } from './ir/graph.ts';
import { Program } from './program.ts';
import type { Tensor } from './tensor.ts';

/** Programs kept at once; the one that was not used for longest goes first. */
const KEPT = 6;

export class ModelPrograms {
  readonly #device: Device;
  readonly #tensors: () => ReadonlyMap<string, Tensor>;
  /** In order of last use. */
  readonly #programs = new Map<string, Promise<Program>>();
  #disposed = false;

  constructor(device: Device, tensors: () => ReadonlyMap<string, Tensor>) {
    this.#device = device;
    this.#tensors = tensors;
  }

  /** The program of that key; `graph` is called when it has to be compiled. */
  async get(key: string, graph: () => Graph): Promise<Program> {
    if (this.#disposed) throw new DisposedError('the model');
    const program = this.#programs.get(key) ?? Program.compile(this.#device, graph(), this.#tensors());
    this.#programs.delete(key);
    this.#programs.set(key, program);
    try {
      const compiled = await program;
      this.#evict();
      return compiled;
    } catch (error) {
      this.#programs.delete(key);
      throw error;
    }
  }

  dispose(): void {
    this.#disposed = true;
    for (const key of [...this.#programs.keys()]) this.#drop(key);
  }

  #evict(): void {
    const surplus = [...this.#programs.keys()].slice(0, Math.max(0, this.#programs.size - KEPT));
    for (const key of surplus) this.#drop(key);
  }

  #drop(key: string): void {
    const program = this.#programs.get(key);
    this.#programs.delete(key);
    program?.then(
      (compiled) => compiled.dispose(),
      () => undefined,
    );
  }
}
