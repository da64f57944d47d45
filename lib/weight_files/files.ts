/** Weight files as state dicts. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import { type OpenWeightsOptions, openWeights } from '../io/open_weights.ts';
import { writeSafetensors } from '../io/safetensors_writer.ts';
import type { WeightFile, WeightFormat } from '../io/weight_file.ts';
import type { ParameterSpec } from '../layers/model_builder.ts';
import { type KeyLayout, keyLayouts, mapKeys } from './key_maps.ts';
import { type LoadOptions, type LoadResult, type MatchSettings, matchWeights } from './match.ts';
import type { StateDict, StateTensor } from './state_dict.ts';

/** Options of {@link Model.load}. */
export interface LoadFileOptions extends LoadOptions {
  /** Stops loading, which leaves the model as it was; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What {@link Model.load} has done. */
export interface LoadFileResult extends LoadResult {
  /** What kind of file it was. */
  readonly format: WeightFormat;
}

/** Reads tensors one after the other, in the order of the file, and makes sure that it did not change meanwhile. */
async function readFloats(
  file: WeightFile,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array>> {
  const tensors = names.map((name) => file.tensors.get(name)!).sort((a, b) => a.position - b.position);
  const values = new Map<string, Float32Array>();
  for (const tensor of tensors) {
    signal?.throwIfAborted();
    values.set(tensor.name, await tensor.toFloat32(signal));
  }
  await file.requireUnchanged();
  return values;
}

/** Reads from a file what a model takes of it: each parameter's values by the model's name, and the texts beside them. */
export async function readForModel(
  path: string,
  specs: readonly ParameterSpec[],
  settings: MatchSettings,
  signal: AbortSignal | undefined,
): Promise<{
  values: Map<string, Float32Array>;
  metadata: ReadonlyMap<string, string>;
  result: LoadFileResult;
}> {
  const file = await openWeights(path, signal ? { signal } : {});
  try {
    // Beside the weights a checkpoint holds the optimizer's states, whose names begin so.
    const weights = new Map([...file.tensors].filter(([name]) => !name.startsWith('#')));
    const { sources, ...result } = matchWeights(specs, weights, settings);
    const floats = await readFloats(file, [...new Set(sources.values())], signal);
    const values = new Map([...sources].map(([name, source]) => [name, floats.get(source)!]));
    const ignored = [...result.ignored, ...file.skipped];
    return { values, metadata: file.metadata, result: { ...result, ignored, format: file.format } };
  } finally {
    await file.close();
  }
}

/** Options of {@link readStateDict}. */
export interface ReadStateDictOptions extends OpenWeightsOptions {
  /**
   * Gives the tensors senet's names, as {@link LoadOptions} says; without it they keep those of the file.
   */
  readonly keys?: KeyLayout | 'auto';
}

/**
 * Reads the tensors of a weight file of any format that {@link openWeights} knows, as float32. Tensors that are not
 * floating-point numbers, such as counters of batches, are left out.
 *
 * @throws FileError naming the tensor or record if the file is damaged or of another kind
 * @example
 * const weights = await readStateDict('se_resnet50-ce0d4300.pth', { keys: 'auto' });
 * await writeStateDict('se_resnet50.safetensors', weights);
 */
export async function readStateDict(path: string, options: ReadStateDictOptions = {}): Promise<StateDict> {
  const { keys, signal } = options;
  if (keys !== undefined && keys !== 'auto' && !keyLayouts.includes(keys)) {
    throw new ArgumentRangeError(
      `readStateDict: keys: expected auto | ${keyLayouts.join(' | ')}, received ${String(keys)}`,
    );
  }
  const file = await openWeights(path, options);
  try {
    const sources = [...file.tensors.values()].filter(({ isFloat }) => isFloat).map(({ name }) => name);
    const names = keys === undefined ? sources : mapKeys(sources, keys).names;
    const values = await readFloats(file, sources, signal);
    return new Map(
      sources.map((source, i): [string, StateTensor] => [
        names[i]!,
        { shape: file.tensors.get(source)!.shape, data: values.get(source)! },
      ]),
    );
  } finally {
    await file.close();
  }
}

/** Options of {@link writeStateDict}. */
export interface WriteStateDictOptions {
  /** Texts to store beside the tensors, in this order; default `format: 'pt'`, as Python's tools expect. */
  readonly metadata?: Iterable<readonly [string, string]>;
  /** Stops writing, which leaves the old file; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Writes a state dict to a safetensors file, atomically: whoever reads it finds the old file or the whole new one.
 *
 * @throws ArgumentError, ArgumentRangeError or ShapeError for a tensor that cannot be stored; FileError if writing fails
 * @example
 * await writeStateDict('weights.safetensors', await model.stateDict(), { metadata: [['note', 'epoch 90']] });
 */
export async function writeStateDict(
  path: string,
  weights: StateDict,
  options: WriteStateDictOptions = {},
): Promise<void> {
  if (!(weights instanceof Map))
    throw new ArgumentError('writeStateDict: expected a Map of names to tensors');
  const { metadata = [['format', 'pt'] as const], signal } = options;
  const tensors = new Map(
    [...weights].map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape, data }]),
  );
  await writeSafetensors(path, tensors, { metadata, ...(signal && { signal }) });
}
