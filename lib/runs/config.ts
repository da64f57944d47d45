/** A training run as plain data, as it stands in configuration files. */
import * as v from 'valibot';
import { ArgumentError } from '../errors.ts';
import { type Monitor, monitors } from '../train/monitor.ts';

/** Options that the function they are passed to checks itself, and names. */
export type PlainOptions = { readonly [option: string]: unknown };

/** What a recipe says of training: all that depends on neither model nor data. */
export interface Recipe {
  readonly epochs?: number;
  /** Images of a batch; default 32. */
  readonly batchSize?: number;
  /** Batches that make an optimizer step; default 1. */
  readonly accumulate?: number;
  /** Options of {@link sgd} or {@link adamw}; default SGD with theirs. */
  readonly optimizer?: { readonly kind: 'sgd' | 'adamw' } & PlainOptions;
  /** Options of one of {@link schedules}; default a constant rate of 0.1. */
  readonly schedule?: {
    readonly kind: 'constant' | 'steps' | 'cosine' | 'reduceOnPlateau';
  } & PlainOptions;
  /** See {@link crossEntropy}. */
  readonly labelSmoothing?: number;
  /** See {@link FitOptions.frozenNormEpochs}. */
  readonly frozenNormEpochs?: number;
  /** See {@link CompileOptions.clipNorm}. */
  readonly clipNorm?: number;
  /** Moving averages of the weights, as {@link EmaOptions}; they are what is validated and kept. */
  readonly ema?: PlainOptions;
  /** Random changes of training images, an {@link Augmentation}. */
  readonly augment?: PlainOptions;
}

/** A training run as plain data; `senet train` reads it from a file. What it leaves out is the recipe's. */
export interface RunConfig extends Recipe {
  /** One of {@link recipes}. */
  readonly recipe?: string;
  /** Name of the zoo. */
  readonly model: string;
  /** Options of {@link createModel}; size and number of classes are the data's. */
  readonly modelOptions?: PlainOptions;
  /** Weights to start from. Where they are of other classes, the classifier stays new. */
  readonly weights?: string;
  readonly data: {
    /** A known data set, or `folder` for images in a sub-folder for each class. */
    readonly kind: (typeof datasetNames)[number] | 'folder';
    readonly directory?: string;
    /**
     * Share of the training images that is kept for validation; default 0.2 of a folder, and 0 of the others, which are
     * then validated on their test images.
     */
    readonly validation?: number;
    /** Take only so many training images, those kept for validation among them; not of a folder. */
    readonly limit?: number;
    /** What to do about broken images of a folder, see {@link ImageFolderOptions}; default an error. */
    readonly broken?: 'error' | 'skip';
  };
  /** Decides initial weights, order, augmentation and dropout; default 0. */
  readonly seed?: number;
  /** Further {@link CompileOptions}, such as the device. */
  readonly compile?: PlainOptions;
  /** As {@link CheckpointOptions}; the folder is the run's. */
  readonly checkpoints?: {
    readonly everyEpochs?: number;
    readonly everySteps?: number;
    readonly keepLast?: number;
    readonly best?: Monitor;
  };
  /** As {@link EarlyStoppingOptions}; default not. */
  readonly earlyStopping?: PlainOptions;
}

/** Names of the data sets that are read into memory. */
export const datasetNames = ['fashion-mnist', 'mnist', 'cifar10', 'cifar100'] as const;

const options = v.record(v.string(), v.unknown());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.nonEmpty());

const schema = v.strictObject({
  epochs: v.exactOptional(count),
  batchSize: v.exactOptional(count),
  accumulate: v.exactOptional(count),
  optimizer: v.exactOptional(v.looseObject({ kind: v.picklist(['sgd', 'adamw']) })),
  schedule: v.exactOptional(
    v.looseObject({ kind: v.picklist(['constant', 'steps', 'cosine', 'reduceOnPlateau']) }),
  ),
  labelSmoothing: v.exactOptional(v.number()),
  frozenNormEpochs: v.exactOptional(whole),
  clipNorm: v.exactOptional(v.number()),
  ema: v.exactOptional(options),
  augment: v.exactOptional(options),
  recipe: v.exactOptional(text),
  model: text,
  modelOptions: v.exactOptional(options),
  weights: v.exactOptional(text),
  data: v.strictObject({
    kind: v.picklist([...datasetNames, 'folder']),
    directory: v.exactOptional(text),
    validation: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.ltValue(1))),
    limit: v.exactOptional(count),
    broken: v.exactOptional(v.picklist(['error', 'skip'])),
  }),
  seed: v.exactOptional(whole),
  compile: v.exactOptional(options),
  checkpoints: v.exactOptional(
    v.strictObject({
      everyEpochs: v.exactOptional(count),
      everySteps: v.exactOptional(count),
      keepLast: v.exactOptional(count),
      best: v.exactOptional(v.picklist(monitors)),
    }),
  ),
  earlyStopping: v.exactOptional(options),
});

/**
 * Checks a value to be the configuration of a run.
 *
 * @param where for messages, such as the file's name
 * @throws ArgumentError naming the first field that is wrong, what was expected there and what was received
 */
export function checkRunConfig(where: string, value: unknown): RunConfig {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue);
  const place = path === null ? where : `${where}: ${path}`;
  if (issue.expected === 'never') throw new ArgumentError(`${place}: there is no such field`);
  // Of a field that is missing the schema expects its name.
  if (issue.received === 'undefined') throw new ArgumentError(`${place}: expected a value, received none`);
  throw new ArgumentError(
    `${place}: expected ${issue.expected ?? issue.message}, received ${issue.received}`,
  );
}
