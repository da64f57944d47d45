/** A training run as plain data, as it stands in configuration files. */
import * as v from 'valibot';
import { ArgumentError } from '../errors.ts';
import { monitors } from '../train/monitor.ts';

/** Options that the function they are passed to checks itself, and names. */
const options = v.record(v.string(), v.unknown());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.nonEmpty());

const optimizer = v.variant('kind', [
  v.looseObject({ kind: v.literal('sgd') }),
  v.looseObject({ kind: v.literal('adamw') }),
]);

const schedule = v.variant('kind', [
  v.looseObject({ kind: v.literal('constant') }),
  v.looseObject({ kind: v.literal('steps') }),
  v.looseObject({ kind: v.literal('cosine') }),
  v.looseObject({ kind: v.literal('reduceOnPlateau') }),
]);

/** What a recipe can say: everything about training that does not depend on model and data. */
const recipeFields = {
  epochs: count,
  /** Images of a batch. */
  batchSize: count,
  /** Batches that make an optimizer step. */
  accumulate: count,
  optimizer,
  schedule,
  labelSmoothing: v.number(),
  clipNorm: v.number(),
  /** Moving averages of the weights, which are then what is validated and kept. */
  ema: options,
  /** Random changes of training images; of ImageNet-style ones, what `augmented` takes. */
  augment: options,
};

const recipeSchema = v.partial(v.strictObject(recipeFields));

/** Names of {@link datasets}. */
export const datasetNames = ['fashion-mnist', 'mnist', 'cifar10', 'cifar100'] as const;

const schema = v.strictObject({
  ...recipeSchema.entries,
  /** Name of a recipe, which gives what is left out here. */
  recipe: v.exactOptional(text),
  /** Name of the zoo. */
  model: text,
  /** Options of `createModel`; images' size and classes are those of the data. */
  modelOptions: v.exactOptional(options),
  /** Weights to start from; the classifier is new where the classes are others. */
  weights: v.exactOptional(text),
  data: v.strictObject({
    /** A known data set, or `folder` for images in a sub-folder for each class. */
    kind: v.picklist([...datasetNames, 'folder']),
    directory: v.exactOptional(text),
    /** Share of the training images that is kept for validation; default 0.2 of a folder, and none of the others, which are validated on their test images. */
    validation: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.ltValue(1))),
    /** Take only so many training images. */
    limit: v.exactOptional(count),
  }),
  /** Decides initial weights, order, augmentation and dropout; default 0. */
  seed: v.exactOptional(whole),
  /** Options of `compile` about the device, and which parameters are trained how. */
  compile: v.exactOptional(options),
  checkpoints: v.exactOptional(
    v.strictObject({
      everyEpochs: v.exactOptional(count),
      everySteps: v.exactOptional(count),
      keepLast: v.exactOptional(count),
      best: v.exactOptional(v.picklist(monitors)),
    }),
  ),
  /** Options of `earlyStopping`. */
  earlyStopping: v.exactOptional(options),
});

/** What a recipe says of training. */
export type Recipe = Readonly<v.InferOutput<typeof recipeSchema>>;

/** A training run as plain data; see docs/training.md for its fields. */
export type RunConfig = Readonly<v.InferOutput<typeof schema>>;

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
