/** The training loop: draws the next batch while the device computes, and stops cleanly wherever it has to. */
import { type BatchSource, isProvider } from '../data/source.ts';
import { StateError } from '../errors.ts';
import {
  type Callback,
  type EpochLogs,
  type History,
  type Json,
  MetricSum,
  type Metrics,
  type Resumed,
  type ValidationBatch,
} from './callbacks.ts';
import {
  type Checkpoint,
  CheckpointFolder,
  type CheckpointSettings,
  type ModelSnapshot,
} from './checkpoints.ts';
import { Feed } from './feed.ts';
import { isBetter, monitored } from './monitor.ts';
import { overlap, type Staged } from './overlap.ts';
import { findCheckpoint, requireSameRun } from './resume.ts';
import type { RunState } from './run_state.ts';
import type { RunningSchedule, Schedule } from './schedules.ts';
import { StopSignal, StopSignals } from './stop_signals.ts';

/** Result of one step. */
export interface StepResult {
  readonly loss: number;
  /** Correct samples of the batch. */
  readonly top1: number;
  readonly top5: number;
  /** Norm of all gradients together before it is limited, where it is. */
  readonly gradientNorm?: number;
}

/** A step whose batch is on its way to the device. */
export interface StagedStep extends Staged {
  /** Samples of the batch. */
  readonly size: number;
  run(lr: number): Promise<StepResult>;
}

/** What the loop needs of a model. */
export interface Trainee {
  readonly seed: number;
  /** Optimizer steps done. */
  readonly step: number;
  /** Batches that wait for others to make an optimizer step with. */
  readonly accumulated: number;
  /** Checks and copies what the data gave; `freezeNorms` makes all norms use their running statistics. */
  stage(batch: unknown, freezeNorms: boolean): Promise<StagedStep>;
  /** Makes an optimizer step of the batches that wait for one. */
  flush(lr: number): Promise<void>;
  /** Metrics on validation data, if there is any; `observe` is told of each batch. */
  validate(
    signal: AbortSignal | undefined,
    observe: ((batch: ValidationBatch) => Promise<void>) | undefined,
  ): Promise<Metrics | undefined>;
  /** All tensors as they are now. */
  capture(): Promise<ModelSnapshot>;
  /** The weights that are validated. */
  captureWeights(): Promise<ModelSnapshot>;
  /** Puts tensors back that {@link capture} gave, and the number of steps; if anything does not fit, nothing changes. */
  restore(checkpoint: Checkpoint): Promise<void>;
}

export interface FitRun {
  readonly data: BatchSource;
  readonly epochs: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Batches that make an optimizer step. */
  readonly accumulate: number;
  /** In how many of the last epochs all norms use their running statistics. */
  readonly frozenNormEpochs: number;
  readonly schedule: Schedule;
  readonly callbacks: readonly Callback[];
  readonly signal: AbortSignal | undefined;
  readonly checkpoints: CheckpointSettings | undefined;
  /** A checkpoint, or `'auto'` for the latest of the folder if there is one. */
  readonly resume: string | undefined;
}

class Training {
  readonly #run: FitRun;
  readonly #model: Trainee;
  readonly #schedule: RunningSchedule;
  readonly #folder: CheckpointFolder | undefined;
  readonly #epochs: EpochLogs[] = [];
  #epoch = 0;
  #step = 0;
  #sum = new MetricSum();
  /** Seconds that the running epoch took before it was resumed. */
  #seconds = 0;
  #lr = 0;
  #stopped = false;
  #best: number | undefined;
  /** Where the run was when the last checkpoint was written. */
  #saved = '';

  constructor(model: Trainee, run: FitRun) {
    this.#model = model;
    this.#run = run;
    this.#schedule = run.schedule.start();
    this.#folder = run.checkpoints && new CheckpointFolder(run.checkpoints);
  }

  async train(): Promise<History> {
    const { epochs, callbacks, signal } = this.#run;
    signal?.throwIfAborted();
    const resumed = await this.#resume();
    try {
      for (const callback of callbacks) await callback.onTrainBegin?.({ epochs, resumed });
      while (this.#epoch < epochs && !this.#stopped) await this.#runEpoch();
      await this.#save();
    } catch (error) {
      if (signal?.aborted === true && error === signal.reason) await this.#save();
      throw error;
    } finally {
      for (const callback of callbacks) await callback.onTrainEnd?.();
    }
    return { epochs: this.#epochs };
  }

  async #runEpoch(): Promise<void> {
    for (const callback of this.#run.callbacks) await callback.onEpochBegin?.(this.#epoch);
    const started = performance.now();
    const secondsSince = () => this.#seconds + (performance.now() - started) / 1000;
    await this.#walk(secondsSince);
    const trained = secondsSince();
    const validation = await this.#validate();
    const metrics = this.#sum.means;
    this.#schedule.epochEnd?.((validation ?? metrics).loss);
    const logs: EpochLogs = {
      epoch: this.#epoch,
      epochs: this.#run.epochs,
      ...metrics,
      validation,
      lr: this.#lr,
      seconds: secondsSince(),
      samplesPerSecond: this.#sum.samples / trained,
    };
    this.#epochs.push(logs);
    this.#epoch += 1;
    this.#step = 0;
    this.#sum = new MetricSum();
    this.#seconds = 0;
    for (const callback of this.#run.callbacks)
      if ((await callback.onEpochEnd?.(logs)) === 'stop') this.#stopped = true;
    await this.#keepBest(logs);
    if (this.#epoch % (this.#run.checkpoints?.everyEpochs ?? 1) === 0) await this.#save();
  }

  async #validate(): Promise<Metrics | undefined> {
    const { callbacks, signal } = this.#run;
    const isObserved = callbacks.some(({ onValidationBatch }) => onValidationBatch !== undefined);
    const observe = async (batch: ValidationBatch) => {
      for (const callback of callbacks) await callback.onValidationBatch?.(batch);
    };
    return this.#model.validate(signal, isObserved ? observe : undefined);
  }

  /** Trains on the batches of the epoch that are left. */
  async #walk(secondsSince: () => number): Promise<void> {
    const { data, batchSize, shuffle, signal, epochs, frozenNormEpochs } = this.#run;
    const freezeNorms = this.#epoch >= epochs - frozenNormEpochs;
    const steps = isProvider(data) ? Math.ceil(data.size / batchSize) : undefined;
    const feed = await Feed.open(data, {
      batchSize,
      shuffle,
      seed: this.#model.seed,
      epoch: this.#epoch,
      skip: this.#step,
      signal,
    });
    const draw = async () => {
      const drawn = await feed.next();
      return drawn.done === true ? undefined : this.#model.stage(drawn.value, freezeNorms);
    };
    try {
      await overlap(draw, async (staged) => {
        const before = this.#model.step;
        await this.#advance(staged, steps);
        const { step } = this.#model;
        if (step > before && step % (this.#run.checkpoints?.everySteps ?? Infinity) === 0)
          await this.#save(secondsSince());
      });
      await this.#model.flush(this.#lr);
    } catch (error) {
      this.#seconds = secondsSince();
      throw error;
    } finally {
      feed.close();
    }
    if (this.#sum.samples === 0) {
      throw new StateError(
        `fit: data: expected batches in epoch ${this.#epoch}, received none (a generator can be walked only once: ` +
          'pass a function that returns a new one for each epoch)',
      );
    }
  }

  async #advance(staged: StagedStep, steps: number | undefined): Promise<void> {
    this.#run.signal?.throwIfAborted();
    const step = this.#step;
    const fraction = steps === undefined ? 0 : step / steps;
    this.#lr = this.#schedule.at({ epoch: this.#epoch + fraction, epochs: this.#run.epochs });
    const { size } = staged;
    const { loss, top1, top5, gradientNorm } = await staged.run(this.#lr);
    this.#sum.add(loss, top1, top5, size);
    this.#step += 1;
    for (const callback of this.#run.callbacks) {
      await callback.onStepEnd?.({
        epoch: this.#epoch,
        step,
        steps,
        samples: size,
        lr: this.#lr,
        loss,
        top1: top1 / size,
        top5: top5 / size,
        ...(gradientNorm !== undefined && { gradientNorm }),
      });
    }
  }

  /** Keeps the weights when the epoch was better than those before. */
  async #keepBest(logs: EpochLogs): Promise<void> {
    const monitor = this.#run.checkpoints?.best;
    if (monitor === undefined) return;
    const value = monitored(monitor, logs);
    if (!isBetter(monitor, value, this.#best)) return;
    await this.#write(async (folder) => {
      const metadata = { 'senet.epoch': String(logs.epoch), [`senet.${monitor}`]: String(value) };
      await folder.writeBest(await this.#model.captureWeights(), metadata);
      this.#best = value;
    });
  }

  /** Writes a checkpoint of where the run is, unless that is done. */
  async #save(seconds = this.#seconds): Promise<void> {
    const { step, accumulated } = this.#model;
    const place = `${step} ${accumulated} ${this.#epoch} ${this.#step} ${this.#stopped}`;
    if (this.#saved === place) return;
    await this.#write(async (folder) => {
      const path = await folder.write(await this.#model.capture(), this.#state(seconds));
      this.#saved = place;
      for (const callback of this.#run.callbacks)
        await callback.onCheckpoint?.({ path, epoch: this.#epoch, step: this.#step });
    });
  }

  /** Writes to the folder, if there is one; what goes wrong is for those who want to know it. */
  async #write(action: (folder: CheckpointFolder) => Promise<void>): Promise<void> {
    if (this.#folder === undefined) return;
    try {
      await action(this.#folder);
    } catch (error) {
      const { onError } = this.#run.checkpoints ?? {};
      if (onError === undefined) throw error;
      onError(error);
    }
  }

  #state(seconds: number): RunState {
    const callbacks: Record<string, Json> = {};
    for (const callback of this.#run.callbacks)
      if (callback.name !== undefined && callback.saveState !== undefined)
        callbacks[callback.name] = callback.saveState();
    return {
      seed: this.#model.seed,
      modelStep: this.#model.step,
      batchSize: this.#run.batchSize,
      shuffle: this.#run.shuffle,
      accumulate: this.#run.accumulate,
      accumulated: this.#model.accumulated,
      epoch: this.#epoch,
      step: this.#step,
      sums: this.#sum.sums,
      seconds,
      lr: this.#lr,
      stopped: this.#stopped,
      epochs: this.#epochs,
      best: this.#best,
      schedule: this.#schedule.saveState?.() ?? null,
      callbacks,
    };
  }

  /** Prepares the folder, and goes on where a checkpoint says. */
  async #resume(): Promise<Resumed | undefined> {
    await this.#folder?.prepare();
    const found = await findCheckpoint(this.#run, this.#folder);
    if (found === undefined) return undefined;
    const { path, state, damaged } = found;
    requireSameRun(path, state, { ...this.#run, seed: this.#model.seed });
    await this.#model.restore(found);
    this.#epoch = state.epoch;
    this.#step = state.step;
    this.#sum = new MetricSum(state.sums);
    this.#seconds = state.seconds;
    this.#lr = state.lr;
    this.#stopped = state.stopped;
    this.#best = state.best;
    this.#epochs.push(...state.epochs);
    if (state.schedule !== null) this.#schedule.loadState?.(state.schedule);
    for (const callback of this.#run.callbacks) {
      const saved = callback.name === undefined ? undefined : state.callbacks[callback.name];
      if (saved !== undefined) callback.loadState?.(saved);
    }
    return { path, epoch: state.epoch, step: state.step, damaged };
  }
}

/** Trains; see `Model.fit`. */
export async function runFit(
  model: Trainee,
  { handleSignals, ...run }: FitRun & { handleSignals: boolean },
): Promise<History> {
  if (!handleSignals) return new Training(model, run).train();
  const stops = new StopSignals();
  const signal = AbortSignal.any([stops.signal, ...(run.signal ? [run.signal] : [])]);
  try {
    return await new Training(model, { ...run, signal }).train();
  } catch (error) {
    if (error instanceof StopSignal) error.exit();
    throw error;
  } finally {
    stops.dispose();
  }
}
