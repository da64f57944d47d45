/** What a training run tells those who watch it. */

/** Means over the samples seen. */
export interface Metrics {
  /** Mean loss, label smoothing included. */
  readonly loss: number;
  /** Share of samples whose class has the largest logit, 0 to 1. */
  readonly top1: number;
  /** Share of samples whose class is among the five largest logits, 0 to 1. */
  readonly top5: number;
}

/** After a step. */
export interface StepLogs extends Metrics {
  /** From 0. */
  readonly epoch: number;
  /** Step within the epoch, from 0. */
  readonly step: number;
  /** Steps in an epoch where the data tells its size. */
  readonly steps: number | undefined;
  /** Samples in this step. */
  readonly samples: number;
  readonly lr: number;
}

/** After an epoch. */
export interface EpochLogs extends Metrics {
  /** From 0. */
  readonly epoch: number;
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** Metrics on the validation data, if there is any. */
  readonly validation: Metrics | undefined;
  /** Learning rate of the last step. */
  readonly lr: number;
  /** Wall-clock seconds, validation included. */
  readonly seconds: number;
  /** Training samples per second, validation excluded. */
  readonly samplesPerSecond: number;
}

/** Listens to a run; a callback that throws or rejects ends it with that error. */
export interface Callback {
  onTrainBegin?(run: { epochs: number }): void | Promise<void>;
  onEpochBegin?(epoch: number): void | Promise<void>;
  onStepEnd?(logs: StepLogs): void | Promise<void>;
  onEpochEnd?(logs: EpochLogs): void | Promise<void>;
  /** Also called when the run fails or is aborted. */
  onTrainEnd?(): void | Promise<void>;
}

/** The run so far, one entry for each epoch. */
export interface History {
  readonly epochs: readonly EpochLogs[];
}

/** Sums metrics over batches of different sizes. */
export class MetricSum {
  #loss = 0;
  #top1 = 0;
  #top5 = 0;
  #samples = 0;

  /** `loss` is the batch's mean; `top1` and `top5` count correct samples. */
  add(loss: number, top1: number, top5: number, samples: number): void {
    this.#loss += loss * samples;
    this.#top1 += top1;
    this.#top5 += top5;
    this.#samples += samples;
  }

  get samples(): number {
    return this.#samples;
  }

  get means(): Metrics {
    const n = Math.max(this.#samples, 1);
    return { loss: this.#loss / n, top1: this.#top1 / n, top5: this.#top5 / n };
  }
}
