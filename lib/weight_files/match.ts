/** Finds for each parameter of a model the tensor that it is loaded from, or says all that does not fit. */
import { WeightsError } from '../errors.ts';
import { formatShape, sameShape } from '../ir/graph.ts';
import type { ModelDefinition, ParameterSpec } from '../layers/model_builder.ts';
import { type KeyLayout, mapKeys } from './key_maps.ts';

/** Options of loading weights into a model. */
export interface LoadOptions {
  /** Whether every parameter must be there and nothing else; default true. Shapes must always fit. */
  readonly strict?: boolean;
  /**
   * Whether the classifier, the model's last linear layer, is loaded too (`'load'`, default) or keeps the values that it
   * has (`'keep'`), whatever the weights have in its place: for other classes than the weights were trained for.
   */
  readonly classifier?: 'load' | 'keep';
  /**
   * Naming scheme of the weights: `'senet'` (timm's names, as senet saves them), `'legacy'` (Cadene's and those of timm's
   * `legacy_*` models: `layer0`, `se_module`, `last_linear`) or `'torchvision'`. Default `'auto'`, the one under which most
   * names are the model's. A prefix of all names such as `module.` is left out.
   */
  readonly keys?: KeyLayout | 'auto';
}

/** What loading weights has done. */
export interface LoadResult {
  /** Parameters and running statistics of the model that were loaded. */
  readonly loaded: readonly string[];
  /** Those that kept the values they had. */
  readonly kept: readonly string[];
  /** Names among the weights that nothing was loaded from. */
  readonly ignored: readonly string[];
  /** The naming scheme that was found or given. */
  readonly keys: KeyLayout;
}

/** What is known of a tensor that could be loaded. */
export interface Offer {
  readonly shape: readonly number[];
  /** Whether its elements are floating-point numbers; default true. */
  readonly isFloat?: boolean;
  readonly dtype?: string;
}

/** Which tensor each parameter is loaded from. */
export interface Match extends LoadResult {
  /** The name among the weights for each name of {@link loaded}. */
  readonly sources: ReadonlyMap<string, string>;
}

/** The shape that a parameter has in state dicts. */
export const storedShape = (spec: ParameterSpec): readonly number[] => spec.storedShape ?? spec.shape;

/** A matrix may also come as a 1x1 convolution, and the other way round. */
function fits(spec: ParameterSpec, shape: readonly number[]): boolean {
  const accepted = [
    storedShape(spec),
    spec.shape,
    ...(spec.shape.length === 2 ? [[...spec.shape, 1, 1]] : []),
  ];
  return accepted.some((expected) => sameShape(shape, expected));
}

/** PyTorch counts batches beside the running statistics; nothing here needs it. */
const isCounter = (name: string): boolean => /(^|\.)num_batches_tracked$/.test(name);

/** Names of the parameters of the classifier: the linear layer that gives the logits. */
export function classifierOf({ graph }: ModelDefinition): ReadonlySet<string> {
  const node = graph.nodes.findLast(
    ({ op, outputs }) => op === 'linear' && outputs.includes(graph.outputs[0]!),
  );
  const values = node?.inputs.flatMap((id) => graph.values[id] ?? []) ?? [];
  return new Set(values.filter(({ kind }) => kind === 'parameter').map(({ name }) => name));
}

/** What to match, with the defaults filled in. */
export interface MatchSettings {
  readonly strict: boolean;
  readonly keys: KeyLayout | 'auto';
  /** Names of the model that are not to be loaded. */
  readonly keep: ReadonlySet<string>;
}

/**
 * Finds a tensor for each parameter.
 *
 * @throws WeightsError listing everything that does not fit
 */
export function matchWeights(
  specs: readonly ParameterSpec[],
  offers: ReadonlyMap<string, Offer>,
  settings: MatchSettings,
): Match {
  const { strict, keep } = settings;
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const { keys, names } = mapKeys([...offers.keys()], settings.keys, new Set(known.keys()));
  const sources = new Map<string, string>();
  const [unexpected, mismatched, ignored]: [string[], string[], string[]] = [[], [], []];
  [...offers].forEach(([source, { shape, isFloat = true, dtype }], i) => {
    const name = names[i]!;
    const spec = known.get(name);
    const shown = source === name ? name : `${source} as ${name}`;
    if (keep.has(name) || isCounter(name)) ignored.push(source);
    else if (spec === undefined) unexpected.push(source);
    else if (sources.has(name)) unexpected.push(`${shown}, which ${sources.get(name)} is already`);
    else if (!isFloat) mismatched.push(`${shown} (expected floating-point values, received ${dtype})`);
    else if (!fits(spec, shape)) {
      mismatched.push(
        `${shown} (expected ${formatShape(storedShape(spec))}, received ${formatShape(shape)})`,
      );
    } else sources.set(name, source);
  });
  const offered = new Set(names);
  const missing = specs.filter(({ name }) => !offered.has(name) && !keep.has(name)).map(({ name }) => name);
  if (mismatched.length > 0 || (strict && missing.length + unexpected.length > 0)) {
    throw new WeightsError({ missing, unexpected, mismatched });
  }
  return {
    sources,
    loaded: specs.filter(({ name }) => sources.has(name)).map(({ name }) => name),
    kept: specs.filter(({ name }) => !sources.has(name)).map(({ name }) => name),
    ignored: [...ignored, ...unexpected],
    keys,
  };
}
