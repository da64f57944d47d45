/** A model on its device: its weights, its programs, and one call for each thing they do. */
import type { Batch, PreparedImages } from './data/batch.ts';
import type { Device } from './device.ts';
import { DisposedError, NonFiniteError } from './errors.ts';
import type { StagedExcitations } from './excitations.ts';
import { excitationGraph, type GatedBlock } from './graph/excitation_graph.ts';
import { fromBytes } from './graph/passes/from_bytes.ts';
import {
  accumulationGraph,
  type ClassifierOutput,
  evaluationGraph,
  type LabelKind,
  LOSS_SCALE,
  predictionGraph,
  type TrainingOptions,
  trainingGraph,
  updateGraph,
} from './graph/programs.ts';
import { type Averaging, gradientName, optimizerStates } from './graph/update.ts';
import { type ImageKind, imageInputs, imageKind, imagesFrom } from './image_inputs.ts';
import { type Graph, sizeOf } from './ir/graph.ts';
import type { ModelDefinition, ParameterSpec } from './layers/model_builder.ts';
import type { Peak } from './profile/peak.ts';
import { Program, type ProgramInputs, type StepProfile } from './program.ts';
import { ProgramCache } from './program_cache.ts';
import type { Tensor } from './tensor.ts';
import type { StagedEvaluation } from './train/evaluate.ts';
import type { StepResult } from './train/fit.ts';
import { initialValues } from './train/initialize.ts';
import type { Loss } from './train/loss.ts';
import type { Optimizer } from './train/optimizer.ts';
import { overlap, type Staged } from './train/overlap.ts';
import { type ParameterPlan, runningMeans } from './train/parameters.ts';
import type { Schedule } from './train/schedules.ts';
import type { Weights } from './weights.ts';
import type { WeightsKind } from './weights_kind.ts';

/** What a training step is given beside its batch. */
export interface TrainingStep {
  readonly lr: number;
  /** Decides dropout, together with the step and the batches accumulated before. */
  readonly seed: number;
  /** Optimizer steps done before. */
  readonly step: number;
  /** Whether parameters are updated, which only a batch that is accumulated can do without. */
  readonly update: boolean;
}

/** How a batch takes part in training. */
export interface TrainingMode {
  /** Its gradients go into the mean of those before it, all batches with the same weight, and an update is by that mean. */
  readonly accumulate: boolean;
  /** All norms use their running statistics and leave them as they are. */
  readonly freezeNorms: boolean;
}

/** A training step whose batch is on its way to the device. */
export interface StagedTraining extends Staged {
  run(step: TrainingStep): Promise<StepResult>;
}

/** What to find out about the times of a program's steps. */
export interface ProfileSettings {
  readonly batchSize: number;
  /** Runs whose median is taken. */
  readonly runs: number;
  /** Run nothing and give the fewest milliseconds that a device with this peak would take. */
  readonly plan: boolean;
  readonly peak: Peak;
}

/** How {@link CompiledModel.predict} is to predict. */
export interface PredictionSettings {
  /** Most images at once. */
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
  readonly weights: WeightsKind;
  readonly output: ClassifierOutput;
}

/** How a model was compiled. */
export interface CompiledOptions {
  readonly optimizer: Optimizer | undefined;
  readonly schedule: Schedule;
  readonly loss: Loss;
  readonly statisticsMomentum: number;
  /** The largest norm of all gradients together; undefined for any. */
  readonly clipNorm: number | undefined;
  readonly parameters: ParameterPlan;
  readonly averaging: Averaging | undefined;
}

const labelKind = (labels: Batch['labels']): LabelKind =>
  labels instanceof Int32Array ? 'indices' : 'distributions';

const asResult = (outputs: readonly ArrayLike<number>[]): StepResult => {
  const [loss, top1, top5, gradientNorm] = outputs.map((output) => output[0]!);
  return { loss: loss!, top1: top1!, top5: top5!, ...(gradientNorm !== undefined && { gradientNorm }) };
};

export class CompiledModel {
  readonly options: CompiledOptions;
  readonly #definition: ModelDefinition;
  readonly #device: Device;
  readonly #weights: Weights;
  /** Batches whose gradients went into the means since the last update. */
  #accumulated = 0;
  /** Programs by what they do and their batch size. */
  readonly #programs = new ProgramCache();
  #disposed = false;

  /** `weights` are attached to `device` already. */
  constructor(definition: ModelDefinition, device: Device, weights: Weights, options: CompiledOptions) {
    this.options = options;
    this.#definition = definition;
    this.#device = device;
    this.#weights = weights;
    if (options.optimizer === undefined) return;
    if (this.#scalesLoss) weights.addStates([LOSS_SCALE]);
    weights.addStates(optimizerStates(options.optimizer, this.#trained));
  }

  /** Batches whose gradients wait for an update. */
  get accumulated(): number {
    return this.#accumulated;
  }

  /** Makes room for the means of gradients over several batches, which is kept until the model is compiled anew. */
  prepareAccumulation(): void {
    const states = this.#trained.map(({ name, shape }) => ({ name: gradientName(name), shape }));
    this.#weights.addStates(states.filter(({ name }) => !this.#weights.tensors.has(name)));
  }

  /** Gives up the gradients that wait for an update. */
  discardGradients(): void {
    this.#accumulated = 0;
  }

  /** Takes the means of gradients, which were put back, for those of so many batches. */
  resumeAccumulation(batches: number): void {
    this.#accumulated = batches;
  }

  /** Copies a batch for a training step. Without `accumulate` no gradients may wait for an update. */
  async stageTraining(batch: Batch, mode: TrainingMode): Promise<StagedTraining> {
    const { labels } = batch;
    const { accumulate } = mode;
    if (accumulate) this.prepareAccumulation();
    const staged = await this.#training(batch, mode, (program) =>
      program.stage({ ...imageInputs(batch), labels }),
    );
    const run = async (step: TrainingStep): Promise<StepResult> => {
      this.#checkLive();
      await staged.add(this.#stepInputs(step));
      const result = asResult(await staged.run());
      if (!accumulate) return result;
      this.#accumulated += 1;
      return { ...result, ...(step.update && (await this.#update(step))) };
    };
    return { run: (step) => locating(step, () => run(step)), discard: () => staged.discard() };
  }

  /** Updates parameters by the mean of the gradients that wait for it. */
  async update(step: TrainingStep): Promise<void> {
    await locating(step, () => this.#update(step));
  }

  /** Copies a batch for its loss and correct samples in inference form, and if wanted its probabilities. */
  async stageEvaluation(
    batch: Batch,
    { weights, probabilities }: { weights: WeightsKind; probabilities: boolean },
  ): Promise<StagedEvaluation> {
    const { labels, size } = batch;
    const images = imageKind(batch);
    const options = { batch: size, labels: labelKind(labels), probabilities };
    const { labelSmoothing } = this.options.loss;
    const staged = await this.#using(
      `evaluate:${weights}:${images}:${Object.values(options)}`,
      () => evaluationGraph(this.#forward(images), { ...options, labelSmoothing }),
      (program) => program.stage({ ...imageInputs(batch), labels }),
      weights,
    );
    const run = async () => {
      const [loss, top1, top5, all] = await staged.run();
      return { ...asResult([loss!, top1!, top5!]), ...(all && { probabilities: all as Float32Array }) };
    };
    return { run, discard: () => staged.discard() };
  }

  /** What the network says of images. */
  async predict(prepared: PreparedImages, settings: PredictionSettings): Promise<Float32Array> {
    const { batchSize, signal } = settings;
    const { input, classes } = this.#definition;
    const kind = imageKind(prepared);
    const pixels = input[0] * input[1] * input[2];
    const count = prepared.images.length / pixels;
    const size = Math.min(batchSize, count);
    const answers = new Float32Array(count * classes);
    let next = 0;
    const stage = async () => {
      const start = next;
      next += size;
      if (start >= count) return undefined;
      // Images do not influence each other, so a last batch may carry empty ones.
      const inputs = imageInputs(imagesFrom(prepared, start * pixels, next * pixels));
      const staged = await this.#prediction(kind, size, settings, (program) => program.stage(inputs));
      return { start, run: () => staged.run(), discard: () => staged.discard() };
    };
    await overlap(stage, async ({ start, run }) => {
      signal?.throwIfAborted();
      const [output] = await run();
      answers.set(output!.subarray(0, (count - start) * classes), start * classes);
    });
    return answers;
  }

  /** The blocks whose gates {@link stageExcitations} gives. */
  gatedBlocks(): readonly GatedBlock[] {
    return excitationGraph(this.#definition.graph, 1).blocks;
  }

  /** Copies a batch's images for the gates of each block. */
  async stageExcitations(batch: Batch, weights: WeightsKind): Promise<StagedExcitations> {
    const kind = imageKind(batch);
    const staged = await this.#using(
      `excitations:${weights}:${batch.size}:${kind}`,
      () => excitationGraph(this.#forward(kind), batch.size).graph,
      (program) => program.stage(imageInputs(batch)),
      weights,
    );
    const run = async () => (await staged.run()).map((gates) => gates as Float32Array);
    return { run, discard: () => staged.discard() };
  }

  /** Times of a prediction's steps. */
  async profilePrediction({ batchSize, runs, plan, peak }: ProfileSettings): Promise<StepProfile[]> {
    const images = await this.#profiledImages(batchSize, plan);
    return this.#prediction(
      'floats',
      batchSize,
      { weights: 'trained', output: 'probabilities' },
      async (program) => (plan ? program.plan(peak) : program.medianProfile({ images }, runs)),
    );
  }

  /** Times of a training step's parts, with learning rate 0; all tensors are put back afterwards. */
  async profileTraining({ batchSize, runs, plan, peak }: ProfileSettings): Promise<StepProfile[]> {
    const images = await this.#profiledImages(batchSize, plan);
    const labels = new Int32Array(batchSize);
    const inputs = { images, labels, ...this.#stepInputs({ lr: 0, seed: 0, step: 0, update: true }) };
    const mode = { accumulate: false, freezeNorms: false };
    return this.#training({ images, labels, size: batchSize }, mode, async (program) => {
      if (plan) return program.plan(peak);
      const restore = await this.#weights.snapshot();
      try {
        return await program.medianProfile(inputs, runs);
      } finally {
        await restore();
      }
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#programs.dispose();
    this.#device.dispose();
  }

  /** What the loss is multiplied with in training, for 16-bit floats of a small range; otherwise 1. */
  async lossScale(): Promise<number> {
    const state = this.#weights.tensors.get(LOSS_SCALE.name);
    if (state === undefined) return 1;
    const [values] = await this.#device.read([state.handle]);
    return 2 ** (16 + values![0]!);
  }

  #checkLive(): void {
    if (this.#disposed) throw new DisposedError(`model '${this.#definition.name}'`);
  }

  get #scalesLoss(): boolean {
    return this.#device.precision === 'float16';
  }

  get #trained(): readonly ParameterSpec[] {
    const { updates } = this.options.parameters;
    return this.#definition.parameters.filter(({ name }) => updates.has(name));
  }

  /** Noise of variance 1, as of blank images the gradients of many norms grow beyond all numbers; a plan reads none. */
  async #profiledImages(count: number, plan: boolean): Promise<Float32Array> {
    const shape = [count, ...this.#definition.input];
    if (plan) return new Float32Array(sizeOf(shape));
    return initialValues({ shape, initializer: { kind: 'uniform', bound: Math.sqrt(3) } }, 0, 0);
  }

  /** Inputs of training programs beside the batch; each takes those that it has. */
  #stepInputs({ lr, seed, step }: TrainingStep): ProgramInputs {
    const { optimizer } = this.options;
    // Each batch of a step has dropout of its own; the factor is odd, so that no two numbers give the same word.
    const word = (seed + Math.imul(this.#accumulated, 0x9e3779b9)) | 0;
    return {
      lr: Float32Array.of(lr),
      ...(optimizer?.kind === 'sgd' && { momentum: Float32Array.of(optimizer.momentum) }),
      accumulated: Float32Array.of(this.#accumulated),
      key: Int32Array.of(word, step | 0),
    };
  }

  async #update(step: TrainingStep): Promise<{ gradientNorm?: number }> {
    const graph = () => updateGraph(this.#trained, this.#trainingOptions(1, 'indices'));
    try {
      const [norm] = await this.#using('update', graph, (program) => program.run(this.#stepInputs(step)));
      return norm === undefined ? {} : { gradientNorm: norm[0]! };
    } finally {
      // Means that cannot be used must not stay for the next update.
      this.#accumulated = 0;
    }
  }

  /** The forward graph for images of a kind. */
  #forward(kind: ImageKind): Graph {
    const { graph } = this.#definition;
    return kind === 'bytes' ? fromBytes(graph) : graph;
  }

  #prediction<R>(
    kind: ImageKind,
    size: number,
    { weights, output }: Pick<PredictionSettings, 'weights' | 'output'>,
    action: (program: Program) => Promise<R>,
  ): Promise<R> {
    const graph = () => predictionGraph(this.#forward(kind), size, output);
    return this.#using(`predict:${weights}:${output}:${size}:${kind}`, graph, action, weights);
  }

  #training<R>(
    batch: Batch,
    { accumulate, freezeNorms }: TrainingMode,
    action: (program: Program) => Promise<R>,
  ): Promise<R> {
    const make = accumulate ? accumulationGraph : trainingGraph;
    const [images, labels] = [imageKind(batch), labelKind(batch.labels)];
    const graph = () =>
      make(this.#forward(images), {
        ...this.#trainingOptions(batch.size, labels),
        ...(freezeNorms && { frozenNorms: new Set(runningMeans(this.#definition)) }),
      });
    const verb = accumulate ? 'accumulate' : 'train';
    const key = [verb, batch.size, images, labels, ...(freezeNorms ? ['frozen'] : [])];
    return this.#using(key.join(':'), graph, action);
  }

  #trainingOptions(batch: number, labels: LabelKind): TrainingOptions {
    const { optimizer, loss, statisticsMomentum, clipNorm, parameters, averaging } = this.options;
    return {
      batch,
      labels,
      labelSmoothing: loss.labelSmoothing,
      rule: optimizer!,
      clipNorm,
      scalesLoss: this.#scalesLoss,
      statisticsMomentum,
      averaging,
      ...parameters,
    };
  }

  async #using<R>(
    key: string,
    graph: () => Graph,
    action: (program: Program) => Promise<R>,
    weights: WeightsKind = 'trained',
  ): Promise<R> {
    this.#checkLive();
    const make = () => Program.compile(this.#device, graph(), this.#tensorsOf(weights));
    return this.#programs.using(key, make, action);
  }

  #tensorsOf(weights: WeightsKind): ReadonlyMap<string, Tensor> {
    return weights === 'ema' ? this.#weights.averaged : this.#weights.tensors;
  }
}

/** Adds the number of the step to an error about numbers that are not finite. */
async function locating<R>({ step }: TrainingStep, action: () => Promise<R>): Promise<R> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    throw new NonFiniteError({ step, layer: error.layer, tensor: error.tensor });
  }
}
