/** Models of the zoo by name. */
import { Model } from './model.ts';
import type { ModelOptions } from './model_options.ts';
import type { ModelBuildOptions } from './models/options.ts';
import { buildModel, type ModelName } from './models/registry.ts';

/**
 * A model of the zoo by name; `listModels()` tells the names.
 *
 * @example
 * createModel('se_resnet50', { input: [224, 224, 3], classes: 100, seed: 7 })
 * @throws ArgumentRangeError for an unknown name, listing those that are like it
 */
export function createModel<N extends ModelName>(
  name: N,
  options: ModelBuildOptions & ModelOptions = {},
): Model {
  const { seed, ...build } = options;
  return new Model(buildModel(name, build), seed === undefined ? {} : { seed });
}
