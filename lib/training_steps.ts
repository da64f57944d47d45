/** The training steps of a model: counts them and gives each the numbers that it follows from. */
import type { CompiledModel } from './compiled_model.ts';
import type { Batch } from './data/dataset.ts';
import type { TrainBatchOptions } from './model_options.ts';
import type { Metrics } from './train/callbacks.ts';
import type { StagedStep, StepResult } from './train/fit.ts';

export class TrainingSteps {
  readonly seed: number;
  /** Optimizer steps done. */
  done = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Copies a batch for a step of its own. */
  async stage(compiled: CompiledModel, batch: Batch): Promise<StagedStep> {
    const staged = await compiled.stageTraining(batch, false);
    const run = async (lr: number): Promise<StepResult> => {
      // Gradients that trainBatch has gathered belong to no step but its own.
      compiled.discardGradients();
      const result = await staged.run({ lr, seed: this.seed, step: this.done, update: true });
      this.done += 1;
      return result;
    };
    return { size: batch.size, run, discard: () => staged.discard() };
  }

  /** See `Model.trainBatch`. */
  async trainBatch(
    compiled: CompiledModel,
    batch: Batch,
    { lr, accumulate }: Required<TrainBatchOptions>,
  ): Promise<Metrics & { readonly gradientNorm?: number }> {
    const staged = await compiled.stageTraining(batch, accumulate || compiled.accumulated > 0);
    const step = { lr, seed: this.seed, step: this.done, update: !accumulate };
    const { top1, top5, ...rest } = await staged.run(step);
    if (!accumulate) this.done += 1;
    return { ...rest, top1: top1 / batch.size, top5: top5 / batch.size };
  }
}
