/**
 * Inputs on their way to a device. A program has room for two sets of them: what a run reads, and what is sent meanwhile
 * for the next run.
 */
import { ArgumentError, DisposedError } from './errors.ts';
import { callNative, type InputsHandle, type NativeArray, type ProgramHandle } from './native.ts';

const SETS = 2;

/** Bytes copied before other work on the thread gets its turn: less than a millisecond. */
const CHUNK = 1 << 22;

/** The sets of inputs of one program. */
export class InputPool {
  readonly #program: ProgramHandle;
  readonly #free: InputsHandle[] = [];
  readonly #waiting: (() => void)[] = [];
  #made = 0;
  #closed = false;

  constructor(program: ProgramHandle) {
    this.#program = program;
  }

  /** A set that nothing else uses, as soon as there is one; to be given back. */
  async take(): Promise<InputsHandle> {
    for (;;) {
      if (this.#closed) throw new DisposedError('the program');
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#made < SETS) return this.#make();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Takes a set back. Where its last use may not have ended well, it is not used again. */
  give(inputs: InputsHandle, usable: boolean): void {
    if (usable && !this.#closed) this.#free.push(inputs);
    else this.#drop(inputs);
    this.#waiting.shift()?.();
  }

  /** Frees what is not in use; the rest is freed when it is given back. */
  close(): void {
    this.#closed = true;
    for (const inputs of this.#free.splice(0)) this.#drop(inputs);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #make(): Promise<InputsHandle> {
    this.#made += 1;
    try {
      return await callNative((addon) => addon.createInputs(this.#program));
    } catch (error) {
      this.#made -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }

  #drop(inputs: InputsHandle): void {
    this.#made -= 1;
    callNative((addon) => addon.dispose(inputs));
  }
}

/** Copies an input; a large one in parts, between which the event loop has its turns. */
export async function stageInput(inputs: InputsHandle, index: number, array: NativeArray): Promise<void> {
  const { length } = array;
  const count = CHUNK / array.BYTES_PER_ELEMENT;
  for (let start = 0; start < length; start += count) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    if (array.length !== length)
      throw new ArgumentError('an input was transferred or resized while it was being copied');
    const part = array.subarray(start, start + count);
    callNative((addon) => addon.stageInput(inputs, index, start * array.BYTES_PER_ELEMENT, part));
  }
}
