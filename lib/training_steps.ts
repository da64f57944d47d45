/** The training steps of a model: counts them and gives each the numbers that it follows from. */
import type { CompiledModel } from './compiled_model.ts';
import type { Batch } from './data/dataset.ts';
import { requireSameModel } from './model_metadata.ts';
import type { TrainBatchOptions } from './model_options.ts';
import type { Metrics } from './train/callbacks.ts';
import type { Checkpoint, ModelSnapshot } from './train/checkpoints.ts';
import type { StagedStep, StepResult, Trainee } from './train/fit.ts';
import type { StateDict } from './weight_files/state_dict.ts';
import type { Weights } from './weights.ts';
import type { WeightsKind } from './weights_kind.ts';

/** What a run needs beside the steps. */
export interface TraineeParts {
  /** Batches that make an optimizer step. */
  readonly accumulate: number;
  /** Which weights are validated, and kept when they are the best. */
  readonly weights: WeightsKind;
  check(batch: unknown): Batch;
  /** What files say of the model. */
  metadata(): ReadonlyMap<string, string>;
  /** Takes over what a file says of the model beside its tensors; throws for what is damaged. */
  restoreMetadata(path: string, metadata: ReadonlyMap<string, string>): void;
  validate: Trainee['validate'];
}

export class TrainingSteps {
  readonly seed: number;
  /** Optimizer steps done. */
  done = 0;
  readonly #weights: Weights;

  constructor(seed: number, weights: Weights) {
    this.seed = seed;
    this.#weights = weights;
  }

  /** The model as a run sees it. */
  trainee(compiled: CompiledModel, parts: TraineeParts): Trainee {
    const steps = this;
    const snapshot = (dict: StateDict): ModelSnapshot => {
      const tensors = [...dict].map(
        ([name, { shape, data }]) => [name, { dtype: 'F32', shape, data }] as const,
      );
      return { tensors: new Map(tensors), metadata: parts.metadata() };
    };
    // Gradients that trainBatch has gathered belong to no step but its own.
    compiled.discardGradients();
    return {
      seed: this.seed,
      get step() {
        return steps.done;
      },
      get accumulated() {
        return compiled.accumulated;
      },
      stage: async (batch, freezeNorms) =>
        this.#stage(compiled, parts.check(batch), parts.accumulate, freezeNorms),
      flush: (lr) => this.#flush(compiled, lr),
      validate: async (signal, observe) => {
        const found = await parts.validate(signal, observe);
        return found && { loss: found.loss, top1: found.top1, top5: found.top5 };
      },
      capture: async () => snapshot(await this.#weights.capture(compiled.accumulated > 0)),
      captureWeights: async () => snapshot(await this.#weights.stateDict(parts.weights === 'ema')),
      restore: (checkpoint) => this.#restore(compiled, checkpoint, parts),
    };
  }

  async #restore(compiled: CompiledModel, checkpoint: Checkpoint, parts: TraineeParts): Promise<void> {
    const { path, tensors, metadata, state } = checkpoint;
    requireSameModel(path, metadata, parts.metadata());
    const isGathering = state.accumulated > 0;
    if (isGathering) compiled.prepareAccumulation();
    await this.#weights.restore(tensors, isGathering);
    parts.restoreMetadata(path, metadata);
    compiled.resumeAccumulation(state.accumulated);
    this.done = state.modelStep;
  }

  /** Copies a batch for a step of its own or, where `accumulate` is not 1, one of so many that make a step. */
  async #stage(
    compiled: CompiledModel,
    batch: Batch,
    accumulate: number,
    freezeNorms: boolean,
  ): Promise<StagedStep> {
    const staged = await compiled.stageTraining(batch, { accumulate: accumulate > 1, freezeNorms });
    const run = async (lr: number): Promise<StepResult> => {
      const update = compiled.accumulated + 1 >= accumulate;
      const result = await staged.run({ lr, seed: this.seed, step: this.done, update });
      if (update) this.done += 1;
      return result;
    };
    return { size: batch.size, run, discard: () => staged.discard() };
  }

  /** Makes a step of the batches that wait for one, if there are any. */
  async #flush(compiled: CompiledModel, lr: number): Promise<void> {
    if (compiled.accumulated === 0) return;
    await compiled.update({ lr, seed: this.seed, step: this.done, update: true });
    this.done += 1;
  }

  /** See `Model.trainBatch`. */
  async trainBatch(
    compiled: CompiledModel,
    batch: Batch,
    { lr, accumulate }: Required<TrainBatchOptions>,
  ): Promise<Metrics & { readonly gradientNorm?: number }> {
    const mode = { accumulate: accumulate || compiled.accumulated > 0, freezeNorms: false };
    const staged = await compiled.stageTraining(batch, mode);
    const step = { lr, seed: this.seed, step: this.done, update: !accumulate };
    const { top1, top5, ...rest } = await staged.run(step);
    if (!accumulate) this.done += 1;
    return { ...rest, top1: top1 / batch.size, top5: top5 / batch.size };
  }
}
