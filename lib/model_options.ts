/** What the verbs of a model take and return. */
import type { CompiledOptions } from './compiled_model.ts';
import { type BatchSource, checkSource } from './data/source.ts';
import type { DeviceName, DeviceOptions } from './device.ts';
import { ArgumentError, ArgumentRangeError } from './errors.ts';
import { type ClassifierOutput, checkFrozenNorms } from './graph/programs.ts';
import type { ImageOptions } from './images/predict.ts';
import { requirePath } from './io/regular_file.ts';
import type { ModelDefinition } from './layers/model_builder.ts';
import { h100, type Peak } from './profile/peak.ts';
import type { Callback, Metrics } from './train/callbacks.ts';
import { checkChoice, checkFlag, checkNumber, checkOptions, checkSignal, checkWhole } from './train/check.ts';
import { type CheckpointOptions, checkCheckpoints } from './train/checkpoints.ts';
import { crossEntropy, type Loss } from './train/loss.ts';
import type { Optimizer } from './train/optimizer.ts';
import { type ParameterGroup, type ParameterPlan, planParameters } from './train/parameters.ts';
import { type Schedule, schedules } from './train/schedules.ts';
import type { LoadFileOptions } from './weight_files/files.ts';
import { keyLayouts } from './weight_files/key_maps.ts';
import { classifierOf, type MatchSettings } from './weight_files/match.ts';
import { checkWeightsKind, type WeightsOptions } from './weights_kind.ts';

/** Options of a {@link Model}. */
export interface ModelOptions {
  /** Decides initial weights, data order and dropout; default 0. */
  seed?: number;
}

/** Options of {@link Model.compile}. */
export interface CompileOptions extends DeviceOptions {
  /** Where to run; default `'auto'`. */
  device?: DeviceName;
  /** How to update the parameters; needed for training. */
  optimizer?: Optimizer;
  /** Learning rate over time; default `schedules.constant({ lr: 0.1 })`. */
  schedule?: Schedule;
  /** What to minimise; default {@link crossEntropy}. */
  loss?: Loss;
  /** Share of a batch's statistics in the running ones of batch norm, PyTorch's convention; default 0.1. */
  statisticsMomentum?: number;
  /**
   * The largest norm of all gradients together, as of one vector: larger ones are scaled down to it, by the rule of
   * PyTorch's `clip_grad_norm_`. {@link Model.trainBatch} then tells the norm. Default: none.
   */
  clipNorm?: number;
  /**
   * Parameters that keep their values, by name or by the start of their names up to a dot: `['conv1', 'layer1']`. `*`
   * stands for any characters. No gradients are computed for them, nor for what only they need. Their norms go on using
   * the batch's statistics, unless {@link freezeNorms} says otherwise.
   */
  freeze?: readonly string[];
  /**
   * Norms that use their running statistics in training and leave them as they are: all (`true`), or by name as in
   * {@link freeze}. Their scales and shifts are trained all the same. Default: none.
   */
  freezeNorms?: boolean | readonly string[];
  /** Learning rates and weight decays of some parameters; the first group that fits a parameter counts. */
  groups?: readonly ParameterGroup[];
  /**
   * Keep moving averages of what is trained, running statistics included: each update moves them by 1 - decay of the
   * way. They start at the weights, and again where weights are loaded. `{ weights: 'ema' }` uses them in
   * {@link Model.evaluate}, {@link Model.predict}, {@link Model.stateDict} and {@link Model.save}.
   */
  ema?: EmaOptions;
}

/** Moving averages of weights. */
export interface EmaOptions {
  /** Share of the average that an update keeps, in [0, 1); default 0.9999. */
  decay?: number;
}

/** Options of {@link Model.trainBatch}. */
export interface TrainBatchOptions {
  /** Learning rate. */
  lr: number;
  /**
   * Only take the gradients into the mean of those since the last update; the first call without it updates by that
   * mean, its own batch included. Every batch has the same weight, a smaller one too. Norms use and move statistics
   * batch by batch. Default false.
   */
  accumulate?: boolean;
}

/** Options of {@link Model.fit}. */
export interface FitOptions {
  /** Passes over the data. */
  epochs: number;
  /** Samples in a step, for data that is asked for batches; default 32. */
  batchSize?: number;
  /** Whether such data is shuffled in each epoch; default true. */
  shuffle?: boolean;
  /**
   * Batches that make an optimizer step, by the mean of their gradients, as one of as many images would but for batch norm,
   * whose statistics are each batch's own; default 1. The last step of an epoch takes what is left.
   */
  accumulate?: number;
  /**
   * In so many of the last epochs all norms use their running statistics and leave them as they are, so that training ends
   * with the network that is evaluated, as for SENet-154 in the paper. Scales and shifts are trained on. Default 0.
   */
  frozenNormEpochs?: number;
  /** Data to evaluate on after each epoch. */
  validation?: BatchSource;
  /**
   * Which weights are validated, and kept as the best: `'trained'` (default) or `'ema'`, their moving averages, where
   * `compile` asks for them.
   */
  weights?: 'trained' | 'ema';
  /**
   * Ends the run after the step in progress; `fit` rejects with the signal's reason, after it has written a checkpoint if
   * there are any. The model stays usable.
   */
  signal?: AbortSignal;
  callbacks?: readonly Callback[];
  /** Save the run as it goes on; default not. */
  checkpoints?: CheckpointOptions;
  /**
   * Go on with a checkpoint: a file's path, or `'auto'` for the latest in the folder of {@link checkpoints}, where there is
   * one that can be read. With the same model, data and options the run then gives the same bits as if it had never been
   * interrupted, in mid-epoch too: data order, augmentation and dropout depend on the seed and the position alone. Data
   * that is an iterable is drawn and dropped up to the position; datasets begin there.
   */
  resume?: string;
  /**
   * Take SIGINT and SIGTERM as a wish to stop: the step in progress ends, a checkpoint is written if there are any, and
   * the process exits with 130 or 143. A second signal ends it at once. Default false.
   */
  handleSignals?: boolean;
}

/** Options of {@link Model.evaluate}. */
export interface EvaluateOptions extends WeightsOptions {
  /** Samples in a batch, for data that is asked for batches; default 32. */
  batchSize?: number;
  signal?: AbortSignal;
}

/** Options of {@link Model.predict}; those of images are for files and raw pixels. */
export interface PredictOptions extends ImageOptions, WeightsOptions {
  /** Class probabilities (default), or the logits that they are the softmax of. */
  output?: ClassifierOutput;
  /** Views of images computed at once; default 32. */
  batchSize?: number;
  signal?: AbortSignal;
}

/** Options of {@link Model.profile}. */
export interface ProfileOptions {
  /** A training step, with learning rate 0, instead of a prediction; default false. */
  training?: boolean;
  /** Default 1. */
  batchSize?: number;
  /** Runs whose median is taken; default 5. */
  runs?: number;
  /** Run nothing and give the fewest milliseconds that a device with this peak would take; default false. */
  plan?: boolean;
  /** What the device that is planned for can do at most; default {@link h100}. */
  peak?: Peak;
}

/** What {@link Model.evaluate} returns. */
export interface Evaluation extends Metrics {
  readonly samples: number;
}

const compileKeys = [
  'device',
  'threads',
  'memoryLimit',
  'layout',
  'convolutions',
  'precision',
  'deterministic',
  'autotune',
  'optimizer',
  'schedule',
  'loss',
  'statisticsMomentum',
  'clipNorm',
  'freeze',
  'freezeNorms',
  'groups',
  'ema',
];

/** Checks the options of `compile` for a model and fills in the defaults. */
export function checkCompileOptions(options: CompileOptions, definition: ModelDefinition): CompiledOptions {
  checkOptions('compile', options, compileKeys);
  const { optimizer, schedule = schedules.constant({ lr: 0.1 }), loss = crossEntropy() } = options;
  if (optimizer !== undefined && optimizer?.kind !== 'sgd' && optimizer?.kind !== 'adamw') {
    throw new ArgumentError('compile: optimizer: expected sgd() or adamw()');
  }
  if (typeof schedule?.start !== 'function') {
    throw new ArgumentError(
      'compile: schedule: expected one of schedules, such as schedules.cosine({ lr: 0.1 })',
    );
  }
  if (loss?.kind !== 'crossEntropy') throw new ArgumentError('compile: loss: expected crossEntropy()');
  const statisticsMomentum = checkNumber('compile: statisticsMomentum', options.statisticsMomentum ?? 0.1, {
    least: 0,
    most: 1,
  });
  const clipNorm =
    options.clipNorm === undefined
      ? undefined
      : checkNumber('compile: clipNorm', options.clipNorm, { above: 0 });
  const parameters = planParameters(definition, options);
  checkFrozenNorms(definition.graph, parameters.frozenNorms);
  const averaging = options.ema === undefined ? undefined : planAverages(definition, parameters, options.ema);
  return { optimizer, schedule, loss, statisticsMomentum, clipNorm, parameters, averaging };
}

function planAverages(
  definition: ModelDefinition,
  { updates }: ParameterPlan,
  options: EmaOptions,
): CompiledOptions['averaging'] {
  checkOptions('compile: ema', options, ['decay']);
  const decay = checkNumber('compile: ema.decay', options.decay ?? 0.9999, { least: 0, below: 1 });
  const tensors = definition.parameters.filter(({ name, kind }) => kind === 'state' || updates.has(name));
  return { decay, tensors };
}

/** Checks the options of `evaluate`. */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  checkOptions('evaluate', options, ['batchSize', 'signal', 'weights']);
  checkWhole('evaluate: batchSize', options.batchSize ?? 32, 1);
  checkSignal('evaluate: signal', options.signal);
  checkWeightsKind('evaluate', options.weights);
}

/** Checks the options of `trainBatch` and fills in the defaults. */
export function checkTrainBatchOptions(options: TrainBatchOptions): Required<TrainBatchOptions> {
  checkOptions('trainBatch', options, ['lr', 'accumulate']);
  return {
    lr: checkNumber('trainBatch: lr', options.lr, { least: 0 }),
    accumulate: checkFlag('trainBatch: accumulate', options.accumulate ?? false),
  };
}

/** The part of the options that is about the device. */
export function deviceOptions(options: CompileOptions): DeviceOptions {
  const keys = [
    'threads',
    'memoryLimit',
    'layout',
    'convolutions',
    'precision',
    'deterministic',
    'autotune',
  ] as const;
  return Object.fromEntries(
    keys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  );
}

const fitKeys = [
  'epochs',
  'batchSize',
  'shuffle',
  'accumulate',
  'frozenNormEpochs',
  'weights',
  'validation',
  'signal',
  'callbacks',
  'checkpoints',
  'resume',
  'handleSignals',
];

/** Checks the options of `fit` and fills in the defaults. */
export function checkFitOptions(options: FitOptions) {
  checkOptions('fit', options, fitKeys);
  const { validation, callbacks = [], checkpoints, resume } = options;
  if (validation !== undefined) checkSource('fit: validation', validation);
  if (!Array.isArray(callbacks)) throw new ArgumentError('fit: callbacks: expected an array of callbacks');
  const names = callbacks.flatMap(({ name }: Callback) => name ?? []);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new ArgumentRangeError(`fit: callbacks: expected names that differ, received '${twice}' twice`);
  if (resume !== undefined) requirePath('fit: resume', resume);
  return {
    epochs: checkWhole('fit: epochs', options.epochs, 1),
    batchSize: checkWhole('fit: batchSize', options.batchSize ?? 32, 1),
    shuffle: checkFlag('fit: shuffle', options.shuffle ?? true),
    accumulate: checkWhole('fit: accumulate', options.accumulate ?? 1, 1),
    frozenNormEpochs: checkWhole('fit: frozenNormEpochs', options.frozenNormEpochs ?? 0, 0),
    weights: checkChoice('fit: weights', options.weights ?? 'trained', ['trained', 'ema']),
    validation,
    signal: checkSignal('fit: signal', options.signal),
    callbacks,
    checkpoints: checkpoints === undefined ? undefined : checkCheckpoints('fit: checkpoints', checkpoints),
    resume,
    handleSignals: checkFlag('fit: handleSignals', options.handleSignals ?? false),
  };
}

/** Checks the options of `load` or, without a signal, `loadStateDict`, and fills in the defaults. */
export function checkLoadOptions(
  verb: 'load' | 'loadStateDict',
  options: LoadFileOptions,
  model: ModelDefinition,
) {
  const file = verb === 'load' ? ['signal'] : [];
  checkOptions(verb, options, ['strict', 'classifier', 'keys', ...file]);
  const { strict = true, classifier = 'load', keys = 'auto' } = options;
  const whole = checkChoice(`${verb}: classifier`, classifier, ['load', 'keep']) === 'load';
  const settings: MatchSettings = {
    strict: checkFlag(`${verb}: strict`, strict),
    keys: checkChoice(`${verb}: keys`, keys, ['auto', ...keyLayouts]),
    keep: whole ? new Set() : classifierOf(model),
  };
  return { settings, signal: checkSignal(`${verb}: signal`, options.signal) };
}

/** Checks the options of `profile` and fills in the defaults. */
export function checkProfileOptions(options: ProfileOptions): Required<ProfileOptions> {
  checkOptions('profile', options, ['training', 'batchSize', 'runs', 'plan', 'peak']);
  const { training = false, batchSize = 1, runs = 5, plan = false, peak = h100 } = options;
  checkOptions('profile: peak', peak, ['bandwidth', 'flops']);
  return {
    training: checkFlag('profile: training', training),
    batchSize: checkWhole('profile: batchSize', batchSize, 1),
    runs: checkWhole('profile: runs', runs, 1),
    plan: checkFlag('profile: plan', plan),
    peak: {
      bandwidth: checkNumber('profile: peak.bandwidth', peak.bandwidth, { above: 0 }),
      flops: checkNumber('profile: peak.flops', peak.flops, { above: 0 }),
    },
  };
}
