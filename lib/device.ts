/** Devices: where programs run. Each open device has its own native thread, on which its programs run in turn. */
import { cudaLibrary, hasCudaLibrary, openCuda, planCacheFolder } from './cuda.ts';
import { ArgumentError, ArgumentRangeError, CudaUnavailableError, DisposedError } from './errors.ts';
import { callNative, type DeviceHandle, type TensorHandle } from './native.ts';

/**
 * Where to run: `'cpu'`; `'cuda'` or `'cuda:1'`, a GPU by its number, the first by default; or `'auto'`, the first GPU if
 * there is one that can be used, otherwise the CPU.
 */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

/**
 * What a GPU stores feature maps in and computes products with: `'float32'`; `'tf32'`, float32 whose products are
 * rounded to TF32; `'bfloat16'` or `'float16'`, with sums, statistics and weights in float32. The range of float16 is
 * small: training multiplies the loss by a scale that follows it, and skips steps whose gradients overflow.
 */
export type Precision = 'float32' | 'tf32' | 'bfloat16' | 'float16';

export interface DeviceOptions {
  /** Threads a program may use on the CPU; default: one for each core. */
  threads?: number;
  /** Upper bound in bytes for the intermediates and constants of one program; default: none. */
  memoryLimit?: number;
  /**
   * How feature maps lie in memory on the CPU: `'blocked8'` or `'blocked16'`, in blocks of so many channels where the
   * shapes allow it, or `'channels_last'`. `'auto'` (default) takes what suits the processor: blocks of 8, and with
   * AVX-512 blocks of 16 for training and channels-last for inference.
   */
  layout?: 'auto' | 'blocked8' | 'blocked16' | 'channels_last';
  /**
   * How convolutions are computed on the CPU: as `'direct'` sums by oneDNN; by `'winograd'`, those of 3x3 and stride 1 in
   * tiles of 4x4 outputs with a quarter of the products (Lavin and Gray 2016); by `'strips'`, direct sums of senet's own
   * that read each weight once, or where the gradient is in the weight those of few channels in a group (with AVX2); or,
   * by default, each in whichever way is fastest (`'auto'`). A way that can't compute one leaves it to oneDNN. Winograd's
   * results differ from exact ones by about 1e-6 of their rms, direct sums by 2e-7.
   */
  convolutions?: 'auto' | 'direct' | 'winograd' | 'strips';
  /** On a GPU; default `'float32'`, which is also all that the CPU has. */
  precision?: Precision;
  /** Only such implementations on a GPU as give the same bits in each run; default true. */
  deterministic?: boolean;
  /** Choose among cuDNN's implementations by timing them, once for each kind of convolution; default false. */
  autotune?: boolean;
}

const layouts = ['auto', 'blocked8', 'blocked16', 'channels_last'];
const convolutions = ['auto', 'direct', 'winograd', 'strips'];
const precisions = ['float32', 'tf32', 'bfloat16', 'float16'];

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

function checkChoice(name: string, value: unknown, choices: readonly string[]): string {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new ArgumentRangeError(`${name}: expected ${choices.join(' | ')}, received ${String(value)}`);
}

function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new ArgumentError(`${name}: expected true or false, received ${String(value)}`);
}

const memoryLimitOf = ({ memoryLimit }: DeviceOptions): number =>
  memoryLimit === undefined ? 0 : checkInteger('memoryLimit', memoryLimit, 1);

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

interface Opened {
  readonly kind: 'cpu' | 'cuda';
  readonly handle: DeviceHandle;
}

function openCpu(options: DeviceOptions): Opened {
  if (options.precision !== undefined && options.precision !== 'float32') {
    throw new ArgumentRangeError(`precision: expected float32 on the CPU, received ${options.precision}`);
  }
  const settings = {
    threads: options.threads === undefined ? 0 : checkInteger('threads', options.threads, 1, 1024),
    layout: checkChoice('layout', options.layout ?? 'auto', layouts),
    convolutions: checkChoice('convolutions', options.convolutions ?? 'auto', convolutions),
    memoryLimit: memoryLimitOf(options),
  };
  return { kind: 'cpu', handle: callNative((addon) => addon.openDevice('cpu', settings)) };
}

/** @param index The GPU's number; default: the first that can be used. */
async function openGpu(index: number | undefined, options: DeviceOptions): Promise<Opened> {
  const settings = {
    plugin: cudaLibrary(),
    precision: checkChoice('precision', options.precision ?? 'float32', precisions),
    deterministic: checkBoolean('deterministic', options.deterministic ?? true),
    autotune: checkBoolean('autotune', options.autotune ?? false),
    planCache: planCacheFolder(),
    memoryLimit: memoryLimitOf(options),
  };
  const { devices } = await openCuda();
  const chosen = index ?? devices.findIndex(({ missing }) => missing === '');
  const found = devices[chosen];
  if (found === undefined) {
    throw new CudaUnavailableError(
      `device: expected cuda:0 to cuda:${devices.length - 1}, received cuda:${chosen}`,
    );
  }
  if (found.missing !== '') throw new CudaUnavailableError(`device: cuda:${chosen}: ${found.missing}`);
  return {
    kind: 'cuda',
    handle: callNative((addon) => addon.openDevice('cuda', { ...settings, index: chosen })),
  };
}

let toldOfCpu = false;

/** The first GPU, or the CPU; says once why not the GPU where its backend is built. */
async function openBest(options: DeviceOptions): Promise<Opened> {
  if (!hasCudaLibrary()) return openCpu(options);
  try {
    return await openGpu(undefined, options);
  } catch (error) {
    if (!(error instanceof CudaUnavailableError)) throw error;
    if (!toldOfCpu) process.emitWarning(`using the CPU: ${error.message}`, { code: error.code });
    toldOfCpu = true;
    return openCpu(options);
  }
}

async function openByName(name: unknown, options: DeviceOptions): Promise<Opened> {
  if (name === 'auto') return openBest(options);
  if (name === 'cpu') return openCpu(options);
  const gpu = typeof name === 'string' ? /^cuda(?::(\d{1,4}))?$/.exec(name) : null;
  if (gpu === null) {
    throw new ArgumentRangeError(`device: expected auto | cpu | cuda | cuda:N, received ${String(name)}`);
  }
  return openGpu(gpu[1] === undefined ? undefined : Number(gpu[1]), options);
}

/** An open device. */
export class Device {
  readonly kind: 'cpu' | 'cuda';
  readonly precision: Precision;
  #handle: DeviceHandle | undefined;
  #ops: ReadonlySet<string>;
  /** Library versions, instruction set and threads, or name and size of a GPU. */
  readonly description: string;

  /**
   * Opens a device.
   *
   * @throws CudaUnavailableError when a GPU was asked for that cannot be used; ArgumentError, ArgumentRangeError
   */
  static async open(name: DeviceName = 'auto', options: DeviceOptions = {}): Promise<Device> {
    return new Device(await openByName(name, options), options.precision ?? 'float32');
  }

  private constructor(opened: Opened, precision: Precision) {
    this.kind = opened.kind;
    this.precision = precision;
    this.#handle = opened.handle;
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

/** A device that a program can run on. */
export interface DeviceInfo {
  readonly name: 'cpu' | `cuda:${number}`;
  readonly description: string;
}

/** All devices that can be used: the CPU, then the GPUs. */
export async function listDevices(): Promise<DeviceInfo[]> {
  const cpu = await Device.open('cpu');
  const devices: DeviceInfo[] = [{ name: 'cpu', description: cpu.description }];
  cpu.dispose();
  if (!hasCudaLibrary()) return devices;
  try {
    const { devices: gpus } = await openCuda();
    const named = gpus.map((gpu, i) => ({ ...gpu, name: `cuda:${i}` as const }));
    const usable = named.filter(({ missing }) => missing === '');
    return [...devices, ...usable.map(({ name, description }) => ({ name, description }))];
  } catch (error) {
    if (error instanceof CudaUnavailableError) return devices;
    throw error;
  }
}

/** How many native objects (devices, tensors, programs) this process holds; for leak checks. */
export function liveNativeObjects(): number {
  return callNative((addon) => addon.liveHandles());
}
