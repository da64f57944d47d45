/** Several models that answer together. */
import { ArgumentError, ShapeError } from './errors.ts';
import { Model } from './model.ts';
import type { PredictOptions } from './model_options.ts';
import type { PredictInput } from './prediction.ts';

/** Models whose answers are averaged; made by {@link ensemble}. */
export interface Ensemble {
  readonly models: readonly Model[];
  /** Number of classes. */
  readonly classes: number;
  /**
   * Class probabilities or logits, the mean of the models'. Each model prepares files and raw pixels in its own way.
   *
   * @returns `[count, classes]`
   * @throws what `Model.predict` throws
   */
  predict(images: PredictInput, options?: PredictOptions): Promise<Float32Array>;
}

/**
 * Averages the probabilities, or logits, of models with the same classes. The models stay the caller's, to be disposed
 * there.
 *
 * @example
 * const probabilities = await ensemble([modelA, modelB]).predict('photo.jpg', { crops: 'ten' });
 * @throws ArgumentError unless there is at least one model; ShapeError if their numbers of classes differ
 */
export function ensemble(models: readonly Model[]): Ensemble {
  if (
    !Array.isArray(models) ||
    models.length === 0 ||
    !models.every((model: unknown) => model instanceof Model)
  ) {
    throw new ArgumentError('ensemble: expected an array of at least one model');
  }
  const members = [...models];
  const { classes } = members[0]!;
  for (const model of members) {
    if (model.classes !== classes) {
      throw new ShapeError(
        `ensemble: expected models of ${classes} classes as the first one, received '${model.name}' of ${model.classes}`,
      );
    }
  }
  return {
    models: members,
    classes,
    predict: async (images, options = {}) => {
      // One after another: each uses all cores.
      const sums = await members[0]!.predict(images, options);
      for (const model of members.slice(1)) {
        const more = await model.predict(images, options);
        if (more.length !== sums.length) {
          throw new ShapeError(
            `ensemble: images: expected models with inputs of one size for a Float32Array, received '${model.name}' with ${model.input.join('x')}`,
          );
        }
        for (let i = 0; i < sums.length; i++) sums[i]! += more[i]!;
      }
      return sums.map((sum) => sum / members.length);
    },
  };
}
