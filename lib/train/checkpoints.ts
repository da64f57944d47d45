/**
 * The checkpoints of a run in a folder of their own: `step-00001200.safetensors` holds all that is needed to go on
 * bit for bit, `best.safetensors` the weights of the best epoch.
 */
import { mkdir, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError, FileError, StateError } from '../errors.ts';
import { asFileError, isSystemError, requirePath } from '../io/regular_file.ts';
import { openSealed, writeSealed } from '../io/sealed_file.ts';
import type { TensorData } from '../io/stored_tensor.ts';
import type { WeightFile } from '../io/weight_file.ts';
import type { Resumed } from './callbacks.ts';
import { checkOptions, checkWhole } from './check.ts';
import { checkMonitor, type Monitor } from './monitor.ts';
import { formatRunState, parseRunState, type RunState } from './run_state.ts';

/** Where and when a run is saved; see {@link FitOptions.checkpoints}. */
export interface CheckpointOptions {
  /** Folder for this run alone; made if it is not there. */
  directory: string;
  /** Epochs between checkpoints; default 1. One is written at the end of the run in any case. */
  everyEpochs?: number;
  /** Steps between checkpoints within an epoch; default none. */
  everySteps?: number;
  /** How many of the latest are kept; default 3. */
  keepLast?: number;
  /** Keep the weights of the epoch whose metric is the best as `best.safetensors`; default not. */
  best?: Monitor;
  /**
   * Called when a checkpoint cannot be written, for instance on a full disk; the run goes on and the next one is written as
   * planned. Without it, `fit` rejects with the error.
   */
  onError?: (error: unknown) => void;
}

export interface CheckpointSettings {
  readonly directory: string;
  readonly everyEpochs: number;
  readonly everySteps: number | undefined;
  readonly keepLast: number;
  readonly best: Monitor | undefined;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** Checks options and fills in the defaults. */
export function checkCheckpoints(name: string, options: CheckpointOptions): CheckpointSettings {
  checkOptions(name, options, ['directory', 'everyEpochs', 'everySteps', 'keepLast', 'best', 'onError']);
  const { directory, everyEpochs = 1, everySteps, keepLast = 3, best, onError } = options;
  requirePath(`${name}: directory`, directory);
  if (onError !== undefined && typeof onError !== 'function')
    throw new ArgumentError(`${name}: onError: expected a function`);
  return {
    directory,
    everyEpochs: checkWhole(`${name}: everyEpochs`, everyEpochs, 1),
    everySteps: everySteps === undefined ? undefined : checkWhole(`${name}: everySteps`, everySteps, 1),
    keepLast: checkWhole(`${name}: keepLast`, keepLast, 1),
    best: best === undefined ? undefined : checkMonitor(`${name}: best`, best),
    onError,
  };
}

/** A model's tensors and the texts that describe it. */
export interface ModelSnapshot {
  /** Parameters under PyTorch's names, everything else under names that begin with `#`. */
  readonly tensors: ReadonlyMap<string, TensorData & { readonly data: Float32Array }>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A checkpoint that was read. */
export interface Checkpoint {
  readonly path: string;
  readonly state: RunState;
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Key of the run's state among a checkpoint's metadata. */
export const runStateKey = 'senet.run';

const NAME = /^step-(\d{8,})\.safetensors$/;
/** What writing atomically leaves behind when the process is killed: `<name>.tmp-<pid>-<random>`. */
const TEMPORARY = /^(?:step-\d{8,}|best)\.safetensors\.tmp-(\d+)-[0-9a-f]+$/;

const nameOf = (step: number): string => `step-${String(step).padStart(8, '0')}.safetensors`;

/** Reads one checkpoint and closes its file. */
export async function readCheckpoint(path: string, signal?: AbortSignal): Promise<Checkpoint> {
  const file = await openSealed(path, signal);
  try {
    return await readOpened(path, file, signal);
  } finally {
    await file.close();
  }
}

async function readOpened(path: string, file: WeightFile, signal?: AbortSignal): Promise<Checkpoint> {
  const text = file.metadata.get(runStateKey);
  if (text === undefined)
    throw new FileError(path, `expected a checkpoint with '${runStateKey}', found none`);
  const state = parseRunState(text, path);
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, tensor] of file.tensors)
    tensors.set(name, { shape: tensor.shape, data: await tensor.toFloat32(signal) });
  await file.requireUnchanged();
  return { path, state, tensors, metadata: file.metadata };
}

/** The folder of one run. */
export class CheckpointFolder {
  readonly #settings: CheckpointSettings;

  constructor(settings: CheckpointSettings) {
    this.#settings = settings;
  }

  get directory(): string {
    return this.#settings.directory;
  }

  /** Makes the folder, and clears away what writers left behind that are no more. */
  async prepare(): Promise<void> {
    const { directory } = this;
    try {
      await mkdir(directory, { recursive: true });
      for (const name of await readdir(directory)) {
        const pid = Number(TEMPORARY.exec(name)?.[1] ?? Number.NaN);
        if (pid === process.pid || (pid > 0 && !isRunning(pid))) await removeFile(join(directory, name));
      }
    } catch (error) {
      throw asFileError(directory, 'prepare', error);
    }
  }

  /** A run that does not go on must not mix with another that was here. */
  async requireEmpty(): Promise<void> {
    const [latest] = await this.#names();
    if (latest === undefined) return;
    throw new StateError(
      `fit: checkpoints: expected a folder without checkpoints, found '${latest}' in '${this.directory}'; ` +
        `go on with it by resume: 'auto', or choose another folder`,
    );
  }

  /**
   * The latest checkpoint that can be read, or undefined where there is none at all. Damaged ones are set aside, under
   * names that end in `.damaged`.
   *
   * @throws FileError if there are checkpoints and all are damaged
   */
  async latest(signal?: AbortSignal): Promise<(Checkpoint & Pick<Resumed, 'damaged'>) | undefined> {
    const damaged: { path: string; reason: string }[] = [];
    for (const name of await this.#names()) {
      const path = join(this.directory, name);
      try {
        return { ...(await readCheckpoint(path, signal)), damaged };
      } catch (error) {
        // What the system refuses to read now may be whole.
        if (!(error instanceof FileError) || isSystemError(error.cause)) throw error;
        damaged.push({ path, reason: error.message });
      }
      await rename(path, `${path}.damaged`).catch(() => undefined);
    }
    if (damaged.length === 0) return undefined;
    throw new FileError(
      this.directory,
      `expected a checkpoint that can be read, found only damaged ones: ${damaged.map(({ reason }) => reason).join('; ')}`,
    );
  }

  /** Writes a checkpoint, then removes those that are not kept. */
  async write({ tensors, metadata }: ModelSnapshot, state: RunState): Promise<string> {
    const path = join(this.directory, nameOf(state.modelStep));
    await writeSealed(path, tensors, { metadata: [...metadata, [runStateKey, formatRunState(state)]] });
    for (const name of (await this.#names()).slice(this.#settings.keepLast))
      await removeFile(join(this.directory, name));
    return path;
  }

  /** Writes the weights of the best epoch so far. */
  async writeBest({ tensors, metadata }: ModelSnapshot, logs: Record<string, string>): Promise<void> {
    await writeSealed(join(this.directory, 'best.safetensors'), tensors, {
      metadata: [...metadata, ...Object.entries(logs)],
    });
  }

  /** Names of the checkpoints, the latest first. */
  async #names(): Promise<string[]> {
    const names = await readdir(this.directory).catch((error: unknown) => {
      throw asFileError(this.directory, 'read', error);
    });
    const stepOf = (name: string) => Number(NAME.exec(name)![1]);
    return names.filter((name) => NAME.test(name)).sort((a, b) => stepOf(b) - stepOf(a));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Removes a file; that it is gone already is no error. */
async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      throw asFileError(path, 'remove', error);
  });
}
