/**
 * Loads the native addon and gives its functions their types. The only file that touches it; what it throws becomes
 * one of senet's errors here.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import {
  ArgumentError,
  DisposedError,
  NativeMissingError,
  NonFiniteError,
  OutOfMemoryError,
  SenetError,
  UnsupportedError,
} from './errors.ts';

declare const handle: unique symbol;
/** A native object; opaque to JavaScript. */
export interface DeviceHandle {
  readonly [handle]: 'device';
}
export interface TensorHandle {
  readonly [handle]: 'tensor';
}
export interface ProgramHandle {
  readonly [handle]: 'program';
}

export interface InputsHandle {
  readonly [handle]: 'inputs';
}

/** A typed array as the addon takes it: its bytes are copied before the call returns. */
export type NativeArray = Float32Array | Int32Array | Uint8Array;

/** One step of a compiled program. */
export interface StepInfo {
  readonly op: string;
  readonly layer: string;
  /** The chosen kernel or library implementation. */
  readonly implementation: string;
  /** Runs only when a parameter has changed. */
  readonly constant: boolean;
  /** What it moves at least between memory and the processor. */
  readonly bytes: number;
  /** Of convolutions and matrix products, a multiply-add counted as two; 0 for all else. */
  readonly flops: number;
}

/** What a CPU device is opened with; 0 threads stand for one a core, a memory limit of 0 for none. */
export interface CpuSettings {
  readonly threads: number;
  readonly layout: string;
  readonly convolutions: string;
  readonly memoryLimit: number;
}

/** What a CUDA device is opened with. */
export interface CudaSettings {
  readonly plugin: string;
  readonly index: number;
  readonly precision: string;
  readonly deterministic: boolean;
  readonly autotune: boolean;
  /** A folder, or '' for none. */
  readonly planCache: string;
  readonly memoryLimit: number;
}

/** Sizes of an image, of the whole in another size, and of the part of that which is wanted. */
export interface Resizing {
  readonly width: number;
  readonly height: number;
  readonly toWidth: number;
  readonly toHeight: number;
  readonly top: number;
  readonly left: number;
  readonly partWidth: number;
  readonly partHeight: number;
  readonly interpolation: 'bilinear' | 'bicubic';
}

/** The CUDA backend and its devices. What is missing for them to be used is '' where nothing is. */
export interface CudaInfo {
  readonly description: string;
  readonly devices: readonly { readonly description: string; readonly missing: string }[];
  readonly missing: string;
}

interface Addon {
  openCuda(plugin: string, cudnn: readonly string[]): Promise<CudaInfo>;
  openDevice(kind: 'cpu', settings: CpuSettings): DeviceHandle;
  openDevice(kind: 'cuda', settings: CudaSettings): DeviceHandle;
  deviceInfo(device: DeviceHandle): { description: string; ops: string[] };
  /** Of a CPU device. */
  measurePeak(device: DeviceHandle): Promise<{ bandwidth: number; flops: number }>;
  createTensor(device: DeviceHandle, bytes: number): TensorHandle;
  writeTensors(device: DeviceHandle, tensors: TensorHandle[], arrays: NativeArray[]): Promise<void>;
  readTensors(device: DeviceHandle, tensors: TensorHandle[]): Promise<ArrayBuffer[]>;
  compile(device: DeviceHandle, message: Uint8Array, tensors: TensorHandle[]): Promise<ProgramHandle>;
  programInfo(program: ProgramHandle): { arenaBytes: number; constantBytes: number; steps: StepInfo[] };
  createInputs(program: ProgramHandle): Promise<InputsHandle>;
  stageInput(inputs: InputsHandle, index: number, offset: number, array: NativeArray): void;
  run(inputs: InputsHandle, profile: boolean): Promise<{ outputs: ArrayBuffer[]; stepMs?: number[] }>;
  /** On libuv's threads, which read the RGB bytes until it resolves to those of the part. */
  resizeImage(image: Uint8Array, sizes: Resizing): Promise<ArrayBuffer>;
  dispose(handle: DeviceHandle | TensorHandle | ProgramHandle | InputsHandle): void;
  /** Ends all native work of this thread's environment, for good. */
  stopDevices(): void;
  liveHandles(): number;
}

/** Where the addon is looked for, in this order; `SENET_ADDON` names another file. */
function candidates(): string[] {
  const built = fileURLToPath(new URL('../build/Release/senet.node', import.meta.url));
  const named = process.env['SENET_ADDON'];
  return named === undefined || named === '' ? [built] : [named];
}

function load(): Addon {
  const looked = candidates();
  const file = looked.find((path) => existsSync(path));
  if (file === undefined) {
    throw new NativeMissingError(
      `the native addon is not built: looked for ${looked.join(', ')}. Run 'npm run setup' in the senet package`,
    );
  }
  try {
    return createRequire(import.meta.url)(file) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const denied = cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_DISABLED';
    throw new NativeMissingError(
      denied
        ? `Node refuses native addons (--no-addons, or a permission model without --allow-addons); senet is one: ${file}`
        : `the native addon cannot be loaded: ${reason}. Run 'npm run setup' in the senet package to build it anew`,
      { cause },
    );
  }
}

let addon: Addon | undefined;

/** Turns what the addon throws into senet's errors. */
function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const options = { cause: error };
  switch (error.code) {
    case 'ERR_SENET_ARGUMENT':
      return new ArgumentError(error.message, options);
    case 'ERR_SENET_UNSUPPORTED':
      return new UnsupportedError(error.message);
    case 'ERR_SENET_OUT_OF_MEMORY':
      return new OutOfMemoryError(error.message);
    case 'ERR_SENET_DISPOSED':
      return new DisposedError(error.message);
    case 'ERR_SENET_NATIVE':
      return new SenetError('ERR_SENET_NATIVE', error.message, options);
    case 'ERR_SENET_NON_FINITE': {
      const layer = 'layer' in error ? String(error.layer) : '';
      const tensor = 'tensor' in error ? String(error.tensor) : '';
      return new NonFiniteError({ step: -1, layer, tensor });
    }
    default:
      return error;
  }
}

/** Calls the addon; errors, thrown or rejected, arrive as senet's own. */
export function callNative<T>(call: (addon: Addon) => T): T {
  addon ??= load();
  try {
    const result = call(addon);
    if (result instanceof Promise) {
      return result.catch((error: unknown) => {
        throw translate(error);
      }) as T;
    }
    return result;
  } catch (error) {
    throw translate(error);
  }
}
