/** The training loop: draws the next batch while the device computes, and stops cleanly wherever it has to. */
import type { Batch } from '../data/dataset.ts';
import { type BatchSource, isProvider, openBatches } from '../data/source.ts';
import { StateError } from '../errors.ts';
import { type Callback, type EpochLogs, type History, MetricSum, type Metrics } from './callbacks.ts';
import { overlap, type Staged } from './overlap.ts';
import type { RunningSchedule, Schedule } from './schedules.ts';

/** Result of one step. */
export interface StepResult {
  readonly loss: number;
  /** Correct samples of the batch. */
  readonly top1: number;
  readonly top5: number;
}

/** A step whose batch is on its way to the device. */
export interface StagedStep extends Staged {
  /** Samples of the batch. */
  readonly size: number;
  run(lr: number): Promise<StepResult>;
}

export interface FitRun {
  readonly data: BatchSource;
  readonly epochs: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly schedule: Schedule;
  readonly callbacks: readonly Callback[];
  readonly signal: AbortSignal | undefined;
  /** Checks and copies what the data gave. */
  stage(batch: unknown): Promise<StagedStep>;
  validate: (() => Promise<Metrics>) | undefined;
}

/** The promise, or a rejection with the signal's reason as soon as it is aborted. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Draws batches. */
class Feed {
  readonly #iterator: Iterator<Batch> | AsyncIterator<Batch>;
  readonly #run: FitRun;
  #done = false;

  constructor(iterator: Iterator<Batch> | AsyncIterator<Batch>, run: FitRun) {
    this.#iterator = iterator;
    this.#run = run;
  }

  async next(): Promise<StagedStep | undefined> {
    const result = await abortable(
      Promise.resolve().then(() => this.#iterator.next()),
      this.#run.signal,
    );
    if (result.done === true) {
      this.#done = true;
      return undefined;
    }
    return this.#run.stage(result.value);
  }

  /** Lets the source free what it holds; not awaited for a source that may never answer. */
  close(): void {
    if (this.#done) return;
    Promise.resolve()
      .then(() => this.#iterator.return?.())
      .catch(() => undefined);
  }
}

/** Everything that changes while one epoch runs. */
class Epoch {
  readonly sum = new MetricSum();
  readonly #run: FitRun;
  readonly #schedule: RunningSchedule;
  readonly #epoch: number;
  readonly #steps: number | undefined;
  #step = 0;
  lr = 0;

  constructor(run: FitRun, schedule: RunningSchedule, epoch: number) {
    this.#run = run;
    this.#schedule = schedule;
    this.#epoch = epoch;
    this.#steps = isProvider(run.data) ? Math.ceil(run.data.size / run.batchSize) : undefined;
  }

  async walk(): Promise<void> {
    const { data, batchSize, shuffle, seed } = this.#run;
    const iterator = await openBatches('fit: data', data, { batchSize, shuffle, seed, epoch: this.#epoch });
    const feed = new Feed(iterator, this.#run);
    try {
      await overlap(
        () => feed.next(),
        (step) => this.#advance(step),
      );
    } finally {
      feed.close();
    }
    if (this.sum.samples === 0) {
      throw new StateError(
        `fit: data: expected batches in epoch ${this.#epoch}, received none (a generator can be walked only once: ` +
          'pass a function that returns a new one for each epoch)',
      );
    }
  }

  async #advance(staged: StagedStep): Promise<void> {
    this.#run.signal?.throwIfAborted();
    const fraction = this.#steps === undefined ? 0 : this.#step / this.#steps;
    this.lr = this.#schedule.at({ epoch: this.#epoch + fraction, epochs: this.#run.epochs });
    const { size } = staged;
    const { loss, top1, top5 } = await staged.run(this.lr);
    this.sum.add(loss, top1, top5, size);
    for (const callback of this.#run.callbacks) {
      await callback.onStepEnd?.({
        epoch: this.#epoch,
        step: this.#step,
        steps: this.#steps,
        samples: size,
        lr: this.lr,
        loss,
        top1: top1 / size,
        top5: top5 / size,
      });
    }
    this.#step += 1;
  }
}

async function runEpoch(run: FitRun, schedule: RunningSchedule, index: number): Promise<EpochLogs> {
  for (const callback of run.callbacks) await callback.onEpochBegin?.(index);
  const started = performance.now();
  const epoch = new Epoch(run, schedule, index);
  await epoch.walk();
  const trained = performance.now();
  const validation = await run.validate?.();
  const metrics = epoch.sum.means;
  schedule.epochEnd?.((validation ?? metrics).loss);
  const logs: EpochLogs = {
    epoch: index,
    epochs: run.epochs,
    ...metrics,
    validation,
    lr: epoch.lr,
    seconds: (performance.now() - started) / 1000,
    samplesPerSecond: (1000 * epoch.sum.samples) / (trained - started),
  };
  for (const callback of run.callbacks) await callback.onEpochEnd?.(logs);
  return logs;
}

/** Trains; see `Model.fit`. */
export async function runFit(run: FitRun): Promise<History> {
  run.signal?.throwIfAborted();
  const schedule = run.schedule.start();
  const epochs: EpochLogs[] = [];
  try {
    for (const callback of run.callbacks) await callback.onTrainBegin?.({ epochs: run.epochs });
    for (let index = 0; index < run.epochs; index += 1) epochs.push(await runEpoch(run, schedule, index));
  } finally {
    for (const callback of run.callbacks) await callback.onTrainEnd?.();
  }
  return { epochs };
}
