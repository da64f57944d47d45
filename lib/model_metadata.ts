/** What weight files and checkpoints say of a model beside its tensors. */
import { StateError } from './errors.ts';
import { type Preprocessing, preprocessingKey } from './images/preprocessing.ts';
import type { ModelDefinition } from './layers/model_builder.ts';

const NAME = 'senet.model';
const CONFIG = 'senet.config';

export function modelMetadata(model: ModelDefinition, preprocessing: Preprocessing): Map<string, string> {
  return new Map([
    ['format', 'pt'],
    [NAME, model.name],
    [CONFIG, JSON.stringify(model.config)],
    [preprocessingKey, JSON.stringify(preprocessing)],
  ]);
}

/** Two models may have the same tensors and compute different things with them. */
export function requireSameModel(
  path: string,
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): void {
  const key = [NAME, CONFIG].find((name) => found.get(name) !== expected.get(name));
  if (key === undefined) return;
  throw new StateError(
    `fit: resume: '${path}' is of another model: ${found.get(key)} there, ${expected.get(key)} here`,
  );
}
