/** From a configuration to a model that is ready to train, and its data. */
import { createModel } from '../create_model.ts';
import type { Augmentation } from '../data/augment/augmentation.ts';
import type { ImageDataset } from '../data/dataset.ts';
import { ArgumentError, ArgumentRangeError, WeightsError } from '../errors.ts';
import type { FolderDataset } from '../images/folder_dataset.ts';
import { imageFolder } from '../images/image_folder.ts';
import type { Model } from '../model.ts';
import type { CompileOptions, FitOptions, ModelOptions } from '../model_options.ts';
import type { ModelBuildOptions } from '../models/options.ts';
import type { ModelName } from '../models/registry.ts';
import { type EarlyStoppingOptions, earlyStopping } from '../train/early_stopping.ts';
import { crossEntropy } from '../train/loss.ts';
import { adamw, type Optimizer, sgd } from '../train/optimizer.ts';
import { type Schedule, schedules } from '../train/schedules.ts';
import { checkRunConfig, type Recipe, type RunConfig } from './config.ts';
import { datasets, loadDataset } from './data.ts';
import { recipes } from './recipes.ts';

/** A run that can begin. */
export interface PreparedRun {
  /** The configuration with everything that its recipe adds. */
  readonly config: RunConfig;
  /** Compiled; to be disposed of. */
  readonly model: Model;
  /** Names of the classes by index. */
  readonly classes: readonly string[];
  /** Training images, augmented. */
  readonly train: ImageDataset | FolderDataset;
  readonly validation: ImageDataset | FolderDataset | undefined;
  /** Test images of data sets that have some. */
  readonly test: ImageDataset | undefined;
  /** Options of `fit`, but for checkpoints, which need a folder. */
  readonly fit: FitOptions;
}

/** Fills in what the recipe says, and the defaults. */
function completed(where: string, config: RunConfig): RunConfig {
  if (config.recipe === undefined) return config;
  const known: Readonly<Record<string, Recipe>> = recipes;
  const recipe = Object.hasOwn(known, config.recipe) ? known[config.recipe] : undefined;
  if (recipe === undefined) {
    const names = Object.keys(recipes).join(', ');
    throw new ArgumentRangeError(`${where}: recipe: expected ${names}, received '${config.recipe}'`);
  }
  return { ...recipe, ...config };
}

function optimizerOf({ kind, ...options }: NonNullable<RunConfig['optimizer']>): Optimizer {
  return kind === 'sgd' ? sgd(options) : adamw(options);
}

function scheduleOf({ kind, ...options }: NonNullable<RunConfig['schedule']>): Schedule {
  // Each checks its options itself.
  const make: (options: never) => Schedule = schedules[kind];
  return make(options as never);
}

function compileOptionsOf(config: RunConfig): CompileOptions {
  const { optimizer = { kind: 'sgd' }, schedule = { kind: 'constant', lr: 0.1 } } = config;
  return {
    ...config.compile,
    optimizer: optimizerOf(optimizer),
    schedule: scheduleOf(schedule),
    ...(config.labelSmoothing !== undefined && {
      loss: crossEntropy({ labelSmoothing: config.labelSmoothing }),
    }),
    ...(config.clipNorm !== undefined && { clipNorm: config.clipNorm }),
    ...(config.ema !== undefined && { ema: config.ema }),
  };
}

type Parts = Pick<PreparedRun, 'model' | 'classes' | 'train' | 'validation' | 'test'>;

/** A model of the configuration for so many classes. */
export function modelOf(config: RunConfig, options: ModelBuildOptions): Model {
  const given: ModelBuildOptions & ModelOptions = { ...config.modelOptions, ...options };
  // Another name is an error that lists those that are like it.
  return createModel(config.model as ModelName, { ...given, seed: config.seed ?? 0 });
}

async function prepareDataset(config: RunConfig, kind: keyof typeof datasets): Promise<Parts> {
  if (config.data.broken !== undefined)
    throw new ArgumentError(`data: broken: expected none for ${kind}, which is no folder of images`);
  const { classes, train, validation, test } = await loadDataset(datasets[kind], config.data);
  const model = modelOf(config, { input: train.shape, classes: classes.length });
  const { mean, std } = train.normalization;
  model.preprocessing = { ...model.preprocessing, mean, std };
  return { model, classes, train, validation, test };
}

async function prepareFolder(config: RunConfig): Promise<Parts> {
  const { directory, validation = 0.2, limit, broken = 'error' } = config.data;
  if (directory === undefined)
    throw new ArgumentError('data: directory: expected a folder of images, received none');
  if (limit !== undefined)
    throw new ArgumentError('data: limit: expected none for a folder; leave images out of it instead');
  // The images are prepared as the model expects, and the model has as many classes as there are folders.
  using probe = modelOf(config, {});
  const seed = config.seed ?? 0;
  const { preprocessing } = probe;
  const found = await imageFolder(directory, { preprocessing, validation, seed, broken });
  const { classes, train } = found;
  const model = modelOf(config, { classes: classes.length });
  return { model, classes, train, validation: found.validation, test: undefined };
}

/** Loads weights to start from; a classifier for other classes stays new. */
async function loadWeights(model: Model, weights: string | undefined): Promise<void> {
  if (weights === undefined) return;
  try {
    await model.load(weights);
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    await model.load(weights, { classifier: 'keep' });
  }
}

/**
 * Makes what a configuration describes: reads the data, builds and compiles the model and loads its weights.
 *
 * @param config checked here, whatever it is
 * @param where for messages, such as the file's name; default `'config'`
 * @throws ArgumentError or ArgumentRangeError naming the field that is wrong; FileError for data or weights
 * @example
 * const { model, train, fit } = await prepareRun({
 *   recipe: 'fashion-mnist',
 *   model: 'se_resnet20',
 *   data: { kind: 'fashion-mnist' },
 * });
 * await model.fit(train, { ...fit, callbacks: [progress()] });
 */
export async function prepareRun(config: unknown, where = 'config'): Promise<PreparedRun> {
  const complete = completed(where, checkRunConfig(where, config));
  const { epochs, batchSize = 32, augment } = complete;
  if (epochs === undefined)
    throw new ArgumentError(`${where}: epochs: expected a number of epochs, or a recipe, received none`);
  const compile = compileOptionsOf(complete);
  const { kind } = complete.data;
  const parts = await (kind === 'folder' ? prepareFolder(complete) : prepareDataset(complete, kind));
  const { model, validation } = parts;
  try {
    const train = augment === undefined ? parts.train : parts.train.augmented(augment as Augmentation);
    await loadWeights(model, complete.weights);
    await model.compile(compile);
    const stopping = complete.earlyStopping;
    const callbacks = stopping === undefined ? [] : [earlyStopping(stopping as EarlyStoppingOptions)];
    const fit: FitOptions = {
      ...{ epochs, batchSize, callbacks, accumulate: complete.accumulate ?? 1 },
      weights: complete.ema === undefined ? 'trained' : 'ema',
      frozenNormEpochs: complete.frozenNormEpochs ?? 0,
      ...(validation && { validation }),
    };
    return { ...parts, config: complete, train, fit };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
