/** Models: a named network with its weights, and the verbs to train and use it. */
import { CompiledModel } from './compiled_model.ts';
import { type Batch, checkBatch } from './data/batch.ts';
import { type BatchSource, checkSource } from './data/source.ts';
import { Device } from './device.ts';
import { ArgumentError, DisposedError, StateError } from './errors.ts';
import { type CaptureOptions, checkCaptureOptions, type Excitations, runCapture } from './excitations.ts';
import { Exclusive } from './exclusive.ts';
import {
  checkForInput,
  defaultPreprocessing,
  type Preprocessing,
  storedPreprocessing,
} from './images/preprocessing.ts';
import { requirePath } from './io/regular_file.ts';
import type { ModelDefinition } from './layers/model_builder.ts';
import { modelMetadata } from './model_metadata.ts';
import {
  type CompileOptions,
  checkCompileOptions,
  checkEvaluateOptions,
  checkFitOptions,
  checkLoadOptions,
  checkProfileOptions,
  checkTrainBatchOptions,
  deviceOptions,
  type EvaluateOptions,
  type Evaluation,
  type FitOptions,
  type ModelOptions,
  type PredictOptions,
  type ProfileOptions,
  type TrainBatchOptions,
} from './model_options.ts';
import { formatSummary, type ModelSummary, summarize } from './models/summary.ts';
import { checkPrediction, type PredictInput } from './prediction.ts';
import type { StepProfile } from './program.ts';
import type { History, Metrics } from './train/callbacks.ts';
import { checkOptions, checkWhole } from './train/check.ts';
import { type EvaluateRun, runEvaluate } from './train/evaluate.ts';
import { runFit } from './train/fit.ts';
import { TrainingSteps } from './training_steps.ts';
import {
  type LoadFileOptions,
  type LoadFileResult,
  readForModel,
  writeStateDict,
} from './weight_files/files.ts';
import type { LoadOptions, LoadResult } from './weight_files/match.ts';
import type { StateDict } from './weight_files/state_dict.ts';
import { Weights } from './weights.ts';
import { checkWeightsOptions, type WeightsOptions } from './weights_kind.ts';

/**
 * A network with its weights.
 *
 * Inputs are NHWC float32 images, outputs class probabilities. All long work happens on a native thread of the
 * model's own; its promises reject with senet's errors, and the model stays usable after each.
 *
 * @example
 * const model = createModel('se_resnet20', { input: [28, 28, 1], classes: 10 });
 * await model.compile({ optimizer: sgd(), schedule: schedules.cosine({ lr: 0.1 }) });
 * await model.fit(train, { epochs: 5, batchSize: 128, validation: test });
 * const probabilities = await model.predict(images);
 */
export class Model {
  readonly definition: ModelDefinition;
  readonly #weights: Weights;
  readonly #steps: TrainingSteps;
  readonly #changes = new Exclusive();
  #compiled: CompiledModel | undefined;
  #opening: Promise<CompiledModel> | undefined;
  #disposed = false;
  #preprocessing: Preprocessing;

  constructor(definition: ModelDefinition, options: ModelOptions = {}) {
    checkOptions('model', options, ['seed']);
    this.definition = definition;
    const seed = checkWhole('model: seed', options.seed ?? 0, 0);
    this.#weights = new Weights(definition.parameters, seed);
    this.#steps = new TrainingSteps(seed, this.#weights);
    this.#preprocessing = defaultPreprocessing(definition.name, definition.input);
  }

  /** Name of the architecture. */
  get name(): string {
    return this.definition.name;
  }

  /** Height, width and channels of an input image. */
  get input(): readonly [height: number, width: number, channels: number] {
    return this.definition.input;
  }

  /** Number of classes. */
  get classes(): number {
    return this.definition.classes;
  }

  /**
   * How {@link predict} prepares images. Saved with the weights and loaded with them; until then by the architecture:
   * `preprocessings.imagenet` in the size of the input, or that of Inception or CIFAR networks. Set it after
   * training on images prepared in another way.
   */
  get preprocessing(): Preprocessing {
    return this.#preprocessing;
  }

  set preprocessing(preprocessing: Preprocessing) {
    this.#preprocessing = checkForInput('preprocessing', preprocessing, this.input);
  }

  /** Optimizer steps done. */
  get step(): number {
    return this.#steps.done;
  }

  /** Layers with output shapes, parameters and multiply-adds; prints as a table. */
  summary(): ModelSummary & { toString(): string } {
    const summary = summarize(this.definition);
    return { ...summary, toString: () => formatSummary(summary) };
  }

  /**
   * Chooses device, optimizer, schedule and loss. May be called again: weights are kept, the optimizer starts anew.
   * A model that is only used for inference need not be compiled.
   *
   * @throws UnsupportedError, OutOfMemoryError, NativeMissingError
   */
  async compile(options: CompileOptions = {}): Promise<void> {
    checkCompileOptions(options, this.definition);
    await this.#exclusive('compile', () => this.#open(options));
  }

  /**
   * Trains.
   *
   * @returns Loss and accuracies of each epoch.
   * @throws StateError before {@link compile} with an optimizer; BusyError while another `fit` runs; NonFiniteError
   *   when a NaN or infinity turns up, with the model as it was before that step.
   */
  async fit(data: BatchSource, options: FitOptions): Promise<History> {
    checkSource('fit: data', data);
    const { validation, ...run } = checkFitOptions(options);
    const compiled = this.#trainable('fit');
    this.#weights.require('fit', run.weights);
    const { batchSize, weights, accumulate } = run;
    return this.#exclusive('fit', () => {
      const trainee = this.#steps.trainee(compiled, {
        accumulate,
        weights,
        check: (batch) => this.#checkBatch('fit: data', batch),
        metadata: () => this.#metadata(),
        restoreMetadata: (path, metadata) => this.#restoreMetadata(path, metadata),
        validate: async (signal, observe) => {
          const options = { batchSize, weights, ...(signal && { signal }) };
          return validation && this.#evaluate(compiled, validation, options, observe);
        },
      });
      return runFit(trainee, { data, ...run, schedule: compiled.options.schedule });
    });
  }

  /**
   * One optimizer step on one batch, or, with `accumulate`, a part of one over several batches.
   *
   * @returns Metrics of the batch before the step; where `compile` limits it, also the norm of all gradients together,
   *   as it was before.
   */
  async trainBatch(
    batch: Batch,
    options: TrainBatchOptions,
  ): Promise<Metrics & { readonly gradientNorm?: number }> {
    const settings = checkTrainBatchOptions(options);
    const checked = this.#checkBatch('trainBatch', batch);
    const compiled = this.#trainable('trainBatch');
    return this.#exclusive('trainBatch', () => this.#steps.trainBatch(compiled, checked, settings));
  }

  /** Loss and accuracy on data, in inference form. */
  async evaluate(data: BatchSource, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkSource('evaluate: data', data);
    checkEvaluateOptions(options);
    this.#weights.require('evaluate', options.weights);
    return this.#evaluate(await this.#ready(), data, options);
  }

  /**
   * Class probabilities of images, or logits; of several views of an image, their mean.
   *
   * Files and raw pixels are prepared as {@link preprocessing} says, beside JavaScript's thread and in slices on it.
   *
   * @param images File names, bytes of image files or raw pixels, one or many; or values `[count, H, W, C]`, normalised
   *   as the training images were.
   * @returns `[count, classes]`
   * @throws FileError naming the file that is missing, damaged or no image
   * @example
   * const probabilities = await model.predict(['cat.jpg', 'dog.png'], { crops: 'ten' });
   */
  async predict(images: PredictInput, options: PredictOptions = {}): Promise<Float32Array> {
    const run = checkPrediction(images, options, this);
    this.#weights.require('predict', options.weights);
    return run(await this.#ready());
  }

  /**
   * Means and deviations of the gates of each SE block over data, by class, in inference form.
   *
   * @throws UnsupportedError for a model without SE blocks
   * @example
   * const { blocks, classes } = await model.captureExcitations(test, { classes: [1, 254] });
   * const goldfish = classes.get(1)?.blocks.at(-1)?.mean;
   */
  async captureExcitations(data: BatchSource, options: CaptureOptions = {}): Promise<Excitations> {
    checkCaptureOptions(options, this.classes);
    checkSource('captureExcitations: data', data);
    this.#weights.require('captureExcitations', options.weights);
    const compiled = await this.#ready();
    return runCapture({
      model: this.name,
      blocks: compiled.gatedBlocks(),
      data,
      options,
      check: (batch) => this.#checkBatch('captureExcitations: data', batch),
      stage: (batch) => compiled.stageExcitations(batch, options.weights ?? 'trained'),
    });
  }

  /**
   * Time of each step of the native program, in order; the median of `runs` runs. A plan compiles the program and runs
   * nothing: its times are the fewest that a device with the given peak would take.
   */
  async profile(options: ProfileOptions = {}): Promise<readonly StepProfile[]> {
    const settings = checkProfileOptions(options);
    if (!settings.training) return (await this.#ready()).profilePrediction(settings);
    const compiled = this.#trainable('profile');
    return this.#exclusive('profile', () => compiled.profileTraining(settings));
  }

  /**
   * What the loss is multiplied with in training: with precision `'float16'` a scale that starts at 65,536, halves when
   * gradients overflow and doubles after 2,000 steps without; otherwise 1.
   */
  async lossScale(): Promise<number> {
    return (await this.#ready()).lossScale();
  }

  /** Parameters and running statistics, or their moving averages, under PyTorch's names and in its shapes. */
  async stateDict(options: WeightsOptions = {}): Promise<StateDict> {
    this.#checkLive();
    const weights = checkWeightsOptions('stateDict', options);
    this.#weights.require('stateDict', weights);
    return this.#weights.stateDict(weights === 'ema');
  }

  /**
   * Takes over weights. If anything does not fit, one {@link WeightsError} lists it all and nothing changes.
   *
   * @returns What was loaded, and what was not.
   */
  async loadStateDict(dict: StateDict, options: LoadOptions = {}): Promise<LoadResult> {
    const { settings } = checkLoadOptions('loadStateDict', options, this.definition);
    if (!(dict instanceof Map)) throw new ArgumentError('loadStateDict: expected a Map of names to tensors');
    return this.#exclusive('loadStateDict', () => this.#weights.load(dict, settings));
  }

  /** Writes the weights to a safetensors file, atomically: whoever reads it finds the old file or the whole new one. */
  async save(path: string, options: WeightsOptions = {}): Promise<void> {
    requirePath('save', path);
    checkWeightsOptions('save', options);
    await writeStateDict(path, await this.stateDict(options), { metadata: this.#metadata() });
  }

  /**
   * Reads weights from a file: safetensors, or a state dict that PyTorch saved, with senet's, timm's, torchvision's or
   * Cadene's names. Formats are recognised by content, half-precision and double values become float32.
   *
   * @example
   * // For other classes than those of the file: the classifier keeps its initial values.
   * const { kept } = await model.load('se_resnet50.pth', { classifier: 'keep' });
   * @returns What was loaded, and what was not.
   * @throws FileError for a damaged file, WeightsError for one that does not fit; the model is then unchanged.
   */
  async load(path: string, options: LoadFileOptions = {}): Promise<LoadFileResult> {
    requirePath('load', path);
    const { settings, signal } = checkLoadOptions('load', options, this.definition);
    return this.#exclusive('load', async () => {
      const { values, metadata, result } = await readForModel(
        path,
        this.definition.parameters,
        settings,
        signal,
      );
      const preprocessing = storedPreprocessing(path, metadata, this.input);
      await this.#weights.assign(values);
      this.#preprocessing = preprocessing ?? this.#preprocessing;
      return result;
    });
  }

  /** Frees device and memory; work in progress rejects with a DisposedError. More than once does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#close();
    this.#weights.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkLive(): void {
    if (this.#disposed) throw new DisposedError(`model '${this.name}'`);
  }

  #checkBatch(name: string, batch: unknown): Batch {
    return checkBatch(name, batch, this.input, this.classes);
  }

  #trainable(verb: string): CompiledModel {
    this.#checkLive();
    if (this.#compiled?.options.optimizer === undefined) {
      throw new StateError(
        `${verb}: expected a model compiled with an optimizer; call compile({ optimizer: sgd() }) first`,
      );
    }
    return this.#compiled;
  }

  async #exclusive<T>(verb: string, action: () => Promise<T>): Promise<T> {
    this.#checkLive();
    return this.#changes.run(verb, action);
  }

  /** The compiled state; opens the default device for a model that was never compiled. */
  async #ready(): Promise<CompiledModel> {
    this.#checkLive();
    if (this.#compiled !== undefined) return this.#compiled;
    this.#opening ??= this.#open({}).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(options: CompileOptions): Promise<CompiledModel> {
    const settings = checkCompileOptions(options, this.definition);
    const device = await Device.open(options.device ?? 'auto', deviceOptions(options));
    try {
      const averaged = settings.averaging?.tensors.map(({ name }) => name);
      await this.#weights.attach(device, new Set(averaged));
    } catch (error) {
      device.dispose();
      throw error;
    }
    this.#close();
    this.#compiled = new CompiledModel(this.definition, device, this.#weights, settings);
    return this.#compiled;
  }

  #metadata(): Map<string, string> {
    return modelMetadata(this.definition, this.#preprocessing);
  }

  #restoreMetadata(path: string, metadata: ReadonlyMap<string, string>): void {
    this.#preprocessing = storedPreprocessing(path, metadata, this.input) ?? this.#preprocessing;
  }

  #close(): void {
    this.#compiled?.dispose();
    this.#compiled = undefined;
  }

  async #evaluate(
    compiled: CompiledModel,
    data: BatchSource,
    options: EvaluateOptions,
    observe?: EvaluateRun['observe'],
  ): Promise<Evaluation> {
    const kind = { weights: options.weights ?? 'trained', probabilities: observe !== undefined };
    return runEvaluate({
      observe,
      data,
      batchSize: options.batchSize ?? 32,
      signal: options.signal,
      check: (batch) => this.#checkBatch('evaluate: data', batch),
      stage: (batch) => compiled.stageEvaluation(batch, kind),
    });
  }
}
