/** Parameters and states as they live on a device. */
import type { Device } from './device.ts';
import { DisposedError } from './errors.ts';
import { sizeOf } from './ir/graph.ts';
import { callNative, type TensorHandle } from './native.ts';

/** Float32 values on a device that outlive a run. Zero when made. */
export class Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  #handle: TensorHandle | undefined;

  constructor(device: Device, name: string, shape: readonly number[]) {
    this.name = name;
    this.shape = shape;
    this.#handle = callNative((addon) => addon.createTensor(device.handle, 4 * sizeOf(shape)));
  }

  /** The native object; for senet's own use. */
  get handle(): TensorHandle {
    if (this.#handle === undefined) throw new DisposedError(`tensor '${this.name}'`);
    return this.#handle;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  dispose(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) callNative((addon) => addon.dispose(handle));
  }
}
