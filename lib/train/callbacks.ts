/** What a training run tells those who watch it. */
import type { Batch } from '../data/dataset.ts';

/** Means over the samples seen. */
export interface Metrics {
  /** Mean loss, label smoothing included. */
  readonly loss: number;
  /** Share of samples whose class has the largest logit, 0 to 1. */
  readonly top1: number;
  /** Share of samples whose class is among the five largest logits, 0 to 1. */
  readonly top5: number;
}

/** After a step: a batch, which updates parameters unless it waits for others to do so with. */
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
  /** Norm of all gradients together before it is limited, where `compile` has a `clipNorm` and parameters were updated. */
  readonly gradientNorm?: number;
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

/** Validation data and what the network makes of it. */
export interface ValidationBatch extends Batch {
  /** Probabilities of the classes, `[size, classes]`. */
  readonly probabilities: Float32Array;
}

/** Where a run goes on that was interrupted. */
export interface Resumed {
  /** The checkpoint. */
  readonly path: string;
  /** Epoch that goes on, from 0. */
  readonly epoch: number;
  /** Steps of it that were done. */
  readonly step: number;
  /** Later checkpoints that could not be used, with the reason. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a callback may say of the run: `'stop'` ends it as if its last epoch had come. */
export type Verdict = undefined | 'stop';

/** Listens to a run; a callback that throws or rejects ends it with that error. */
export interface Callback {
  /** Under which the callback's state is kept in checkpoints. */
  readonly name?: string;
  onTrainBegin?(run: { epochs: number; resumed: Resumed | undefined }): void | Promise<void>;
  /** Also called for an epoch that is resumed. */
  onEpochBegin?(epoch: number): void | Promise<void>;
  onStepEnd?(logs: StepLogs): void | Promise<void>;
  /**
   * After each batch of validation data, before `onEpochEnd`. Its arrays are the callback's to keep. Without callbacks that
   * have it, no probabilities are computed.
   */
  onValidationBatch?(batch: ValidationBatch): void | Promise<void>;
  onEpochEnd?(logs: EpochLogs): void | Verdict | Promise<void> | Promise<Verdict>;
  /** A checkpoint is on disk. */
  onCheckpoint?(checkpoint: { path: string; epoch: number; step: number }): void | Promise<void>;
  /** Also called when the run fails or is aborted. */
  onTrainEnd?(): void | Promise<void>;
  /** What a checkpoint keeps of a callback with a name. */
  saveState?(): Json;
  /** Gets back, before `onTrainBegin`, what `saveState` gave. */
  loadState?(state: Json): void;
}

/** The run so far, one entry for each epoch. */
export interface History {
  readonly epochs: readonly EpochLogs[];
}

/** Sums of metrics over samples. */
export interface MetricSums {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly samples: number;
}

/** Sums metrics over batches of different sizes. */
export class MetricSum {
  #sums: MetricSums;

  constructor(sums: MetricSums = { loss: 0, top1: 0, top5: 0, samples: 0 }) {
    this.#sums = sums;
  }

  /** `loss` is the batch's mean; `top1` and `top5` count correct samples. */
  add(loss: number, top1: number, top5: number, samples: number): void {
    const sums = this.#sums;
    this.#sums = {
      loss: sums.loss + loss * samples,
      top1: sums.top1 + top1,
      top5: sums.top5 + top5,
      samples: sums.samples + samples,
    };
  }

  get sums(): MetricSums {
    return this.#sums;
  }

  get samples(): number {
    return this.#sums.samples;
  }

  get means(): Metrics {
    const { loss, top1, top5, samples } = this.#sums;
    const n = Math.max(samples, 1);
    return { loss: loss / n, top1: top1 / n, top5: top5 / n };
  }
}
