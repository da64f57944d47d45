/** Loss and accuracy on data: draws the next batch while the device computes. */
import type { Batch } from '../data/dataset.ts';
import { type BatchSource, openBatches } from '../data/source.ts';
import { StateError } from '../errors.ts';
import { MetricSum, type Metrics, type ValidationBatch } from './callbacks.ts';
import type { StepResult } from './fit.ts';
import { overlap, type Staged } from './overlap.ts';

/** A batch whose images are on their way to the device. */
export interface StagedEvaluation extends Staged {
  run(): Promise<StepResult & { readonly probabilities?: Float32Array }>;
}

export interface EvaluateRun {
  readonly data: BatchSource;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  /** Checks what the data gave. */
  check(batch: unknown): Batch;
  /** Copies a checked batch; with `observe` the result has probabilities. */
  stage(batch: Batch): Promise<StagedEvaluation>;
  /** Is told of each batch, in copies. */
  readonly observe: ((batch: ValidationBatch) => Promise<void>) | undefined;
}

/** Means over all samples, and how many there were. */
export async function runEvaluate(run: EvaluateRun): Promise<Metrics & { samples: number }> {
  const { batchSize, signal, observe } = run;
  const sum = new MetricSum();
  const iterator = await openBatches('evaluate: data', run.data, { batchSize, epoch: 0 });
  const draw = async () => {
    const next = await iterator.next();
    if (next.done === true) return undefined;
    signal?.throwIfAborted();
    const batch = run.check(next.value);
    // The next draw may fill the arrays again.
    const kept = observe && { ...batch, images: batch.images.slice(), labels: batch.labels.slice() };
    return { size: batch.size, kept, ...(await run.stage(batch)) };
  };
  try {
    await overlap(draw, async (staged) => {
      signal?.throwIfAborted();
      const { loss, top1, top5, probabilities } = await staged.run();
      sum.add(loss, top1, top5, staged.size);
      if (staged.kept !== undefined && probabilities !== undefined)
        await observe?.({ ...staged.kept, probabilities });
    });
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  if (sum.samples === 0) throw new StateError('evaluate: data: expected at least one batch, received none');
  return { ...sum.means, samples: sum.samples };
}
