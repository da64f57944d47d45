/** What a page shows of a run as numbers and curves; a long run takes no more memory than a short one. */
import { Curve } from '../figures/curve.ts';
import type { EpochLogs, Metrics, StepLogs } from '../train/callbacks.ts';

export type Phase = 'waiting' | 'training' | 'validating' | 'ended';

/** Curves of loss and accuracy by epoch. */
export class EpochCurves {
  readonly loss = new Curve();
  readonly top1 = new Curve();

  add({ loss, top1 }: Metrics): void {
    this.loss.add(loss);
    this.top1.add(100 * top1);
  }
}

export class Tracker {
  phase: Phase = 'waiting';
  /** Epochs of the whole run. */
  epochs = 0;
  /** Epochs done. */
  done = 0;
  /** The last step of the running epoch. */
  step: StepLogs | undefined;
  /** The last epoch that is done. */
  last: EpochLogs | undefined;
  /** The largest share of validation data that was right. */
  best: { readonly epoch: number; readonly top1: number } | undefined;
  readonly loss = new Curve();
  readonly lr = new Curve();
  /** Images a second. */
  readonly rate = new Curve();
  readonly trained = new EpochCurves();
  readonly validated = new EpochCurves();
  /** Grows whenever anything changes. */
  changes = 0;
  /** Grows when anything changes that is not of a step. */
  epochChanges = 0;
  #epochBegan = 0;
  #stepEnded = 0;
  #rate: number | undefined;

  begin(epochs: number): void {
    this.epochs = epochs;
    this.phase = 'training';
    this.changes += 1;
    this.epochChanges += 1;
  }

  /** Takes over what was before this process. */
  resume(steps: readonly StepLogs[], epochs: readonly EpochLogs[]): void {
    for (const logs of steps) {
      this.#addStep(logs);
      this.rate.add(Number.NaN);
    }
    for (const logs of epochs) this.#addEpoch(logs);
    this.changes += 1;
    this.epochChanges += 1;
  }

  epochBegin(): void {
    this.phase = 'training';
    this.step = undefined;
    this.#epochBegan = performance.now();
    this.#stepEnded = this.#epochBegan;
    this.changes += 1;
  }

  stepEnd(logs: StepLogs): void {
    const now = performance.now();
    const rate = (1000 * logs.samples) / Math.max(now - this.#stepEnded, 1e-3);
    this.#stepEnded = now;
    this.rate.add(rate);
    // A mean over about the last ten steps.
    this.#rate = this.#rate === undefined ? rate : 0.9 * this.#rate + 0.1 * rate;
    this.step = logs;
    this.#addStep(logs);
    this.changes += 1;
  }

  validating(): void {
    if (this.phase === 'validating') return;
    this.phase = 'validating';
    this.changes += 1;
  }

  epochEnd(logs: EpochLogs): void {
    this.#addEpoch(logs);
    this.step = undefined;
    this.changes += 1;
    this.epochChanges += 1;
  }

  end(): void {
    this.phase = 'ended';
    this.changes += 1;
  }

  /** Images a second, lately. */
  get imagesPerSecond(): number | undefined {
    return this.#rate ?? this.last?.samplesPerSecond;
  }

  /** Share of the run that is done, as far as the data tells its size. */
  get share(): number {
    const { step, steps } = this.step ?? {};
    const part = step === undefined || steps === undefined ? 0 : (step + 1) / steps;
    return (this.done + part) / Math.max(this.epochs, 1);
  }

  /** Seconds that are left by what an epoch took, or the running one so far. */
  get secondsLeft(): number | undefined {
    const { step, steps } = this.step ?? {};
    const left = this.epochs * (1 - this.share);
    if (this.last !== undefined) return left * this.last.seconds;
    if (step === undefined || steps === undefined) return undefined;
    return (left * (this.#stepEnded - this.#epochBegan) * steps) / (step + 1) / 1000;
  }

  #addStep({ loss, lr }: StepLogs): void {
    this.loss.add(loss);
    this.lr.add(lr);
  }

  #addEpoch(logs: EpochLogs): void {
    const { epoch, validation } = logs;
    this.last = logs;
    this.done = epoch + 1;
    this.trained.add(logs);
    if (validation === undefined) return;
    this.validated.add(validation);
    if (validation.top1 > (this.best?.top1 ?? -1)) this.best = { epoch, top1: validation.top1 };
  }
}
