/** Devices: where programs run. Each open device has its own native thread, on which its programs run in turn. */
import { ArgumentError, ArgumentRangeError, DisposedError } from './errors.ts';
import { callNative, type DeviceHandle, type TensorHandle } from './native.ts';

/** Where to run. `'auto'` takes the fastest device there is. */
export type DeviceName = 'auto' | 'cpu';

const deviceNames: readonly string[] = ['auto', 'cpu'];

export interface DeviceOptions {
  /** Threads a program may use; default: one for each core. */
  threads?: number;
  /** Upper bound in bytes for the intermediates and constants of one program; default: none. */
  memoryLimit?: number;
  /**
   * How feature maps lie in memory on the CPU: `'blocked8'` or `'blocked16'`, in blocks of so many channels where the
   * shapes allow it, or `'channels_last'`. `'auto'` (default) takes what suits the processor: blocks of 8, and with
   * AVX-512 blocks of 16 for training and channels-last for inference.
   */
  layout?: 'auto' | 'blocked8' | 'blocked16' | 'channels_last';
}

/** A whole number within bounds, or an error that names it. */
export function checkInteger(
  name: string,
  value: unknown,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number')
    throw new ArgumentError(`${name}: expected an integer, received ${String(value)}`);
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new ArgumentRangeError(`${name}: expected an integer ${range}, received ${value}`);
  }
  return value;
}

let stopsAtExit = false;

/**
 * Sees to it that no device computes any more when the process ends, by `process.exit()` or an uncaught error: native
 * libraries tear down their state then, and a thread in the middle of a step would crash.
 */
function stopAtExit(): void {
  if (stopsAtExit) return;
  stopsAtExit = true;
  process.once('exit', () => callNative((addon) => addon.stopDevices()));
}

/** An open device. */
export class Device {
  readonly kind = 'cpu';
  #handle: DeviceHandle | undefined;
  #ops: ReadonlySet<string>;
  /** Library versions, instruction set and threads. */
  readonly description: string;

  constructor(name: DeviceName = 'auto', options: DeviceOptions = {}) {
    if (!deviceNames.includes(name)) {
      throw new ArgumentRangeError(`device: expected ${deviceNames.join(' | ')}, received ${String(name)}`);
    }
    const threads = options.threads === undefined ? 0 : checkInteger('threads', options.threads, 1, 1024);
    const limit = options.memoryLimit === undefined ? 0 : checkInteger('memoryLimit', options.memoryLimit, 1);
    const layout = options.layout ?? 'auto';
    if (!['auto', 'blocked8', 'blocked16', 'channels_last'].includes(layout)) {
      throw new ArgumentRangeError(
        `layout: expected auto | blocked8 | blocked16 | channels_last, received ${String(layout)}`,
      );
    }
    this.#handle = callNative((addon) => addon.openDevice('cpu', threads, layout, limit));
    stopAtExit();
    const info = callNative((addon) => addon.deviceInfo(this.handle));
    this.description = info.description;
    this.#ops = new Set(info.ops);
  }

  /** The native object; for senet's own use. */
  get handle(): DeviceHandle {
    if (this.#handle === undefined) throw new DisposedError('the device');
    return this.#handle;
  }

  /** Whether the device computes this op itself; what it lacks is decomposed into plainer ops. */
  supports(op: string): boolean {
    return this.#ops.has(op);
  }

  /** Overwrites tensors; the arrays may be reused at once. */
  write(tensors: TensorHandle[], arrays: (Float32Array | Int32Array | Uint8Array)[]): Promise<void> {
    return callNative((addon) => addon.writeTensors(this.handle, tensors, arrays));
  }

  /** Copies tensors out, after all work queued before. */
  async read(tensors: TensorHandle[]): Promise<Float32Array[]> {
    const buffers = await callNative((addon) => addon.readTensors(this.handle, tensors));
    return buffers.map((buffer) => new Float32Array(buffer));
  }

  /** Lets go of the device; work in progress still finishes. More than once does nothing. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) callNative((addon) => addon.dispose(handle));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** How many native objects (devices, tensors, programs) this process holds; for leak checks. */
export function liveNativeObjects(): number {
  return callNative((addon) => addon.liveHandles());
}
