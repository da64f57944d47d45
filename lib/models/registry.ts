/** The zoo: every architecture by name. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import type { ModelDefinition } from '../layers/index.ts';
import {
  checkKeys,
  checkObject,
  readChoice,
  readFlag,
  readNumber,
  readWhole,
  show,
} from '../layers/options.ts';
import { squeezeExciteKeys } from '../layers/squeeze_excite.ts';
import { type AliasName, aliases, withPreset } from './aliases.ts';
import { type BnInceptionName, bnInceptions } from './bn_inception.ts';
import { type EfficientnetName, efficientnets } from './efficientnet.ts';
import { type InceptionResnetName, inceptionResnets } from './inception_resnet.ts';
import { type MobilenetName, mobilenets } from './mobilenet.ts';
import { type Mobilenetv3Name, mobilenetv3s } from './mobilenetv3.ts';
import type { Architecture, ModelBuildOptions, ModelSqueezeExciteOptions } from './options.ts';
import { type PreresnetName, preresnets } from './preresnet.ts';
import { type RegnetName, regnets } from './regnet.ts';
import { type ResnetName, resnets } from './resnet.ts';
import { type ShakeName, shakes } from './shake.ts';
import { type ShufflenetName, shufflenets } from './shufflenet.ts';
import { type VggName, vggs } from './vgg.ts';

/** Names of the zoo's models, and timm's names for some of them. */
export type ModelName =
  | ResnetName
  | PreresnetName
  | VggName
  | MobilenetName
  | ShufflenetName
  | BnInceptionName
  | InceptionResnetName
  | ShakeName
  | RegnetName
  | Mobilenetv3Name
  | EfficientnetName
  | AliasName;

type ArchitectureName = Exclude<ModelName, AliasName>;

const zoo: Readonly<Record<ArchitectureName, Architecture>> = {
  ...resnets,
  ...preresnets,
  ...vggs,
  ...mobilenets,
  ...shufflenets,
  ...bnInceptions,
  ...inceptionResnets,
  ...shakes,
  ...regnets,
  ...mobilenetv3s,
  ...efficientnets,
};

const optionKeys = ['input', 'classes', 'se', 'strideIn', 'pool', 'dropout', 'dropPath'];

const hasModel = (name: string): name is ArchitectureName => Object.hasOwn(zoo, name);
const isAlias = (name: string): name is AliasName => Object.hasOwn(aliases, name);

/**
 * The names that `createModel` takes, sorted.
 *
 * @param options.aliases Also timm's names for networks that have another one here; default false.
 * @example
 * listModels({ aliases: true }).includes('legacy_seresnet50')
 */
export function listModels(options: { readonly aliases?: boolean } = {}): ModelName[] {
  checkKeys('listModels', options, ['aliases']);
  const added = readFlag('listModels: aliases', options.aliases ?? false) ? Object.keys(aliases) : [];
  return [...Object.keys(zoo), ...added]
    .filter((name): name is ModelName => hasModel(name) || isAlias(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** How many letters must change to make one word of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function checkStages(stages: unknown, count: number): void {
  const where = 'model: se: stages';
  const expected = `expected different numbers from 1 to ${count}`;
  if (!Array.isArray(stages)) throw new ArgumentError(`${where}: ${expected}, received ${show(stages)}`);
  const list: readonly unknown[] = stages;
  const numbers = list.map((stage) => readWhole(where, stage, 1));
  if (numbers.length === 0 || new Set(numbers).size < numbers.length || Math.max(...numbers) > count) {
    throw new ArgumentRangeError(`${where}: ${expected}, received [${numbers.join(', ')}]`);
  }
}

/** One for all stages, or one for each. */
function checkReduction(reduction: unknown, count: number): void {
  const where = 'model: se: reduction';
  const list: readonly unknown[] = Array.isArray(reduction) ? reduction : [reduction];
  for (const r of list) readWhole(where, r, 1);
  if (Array.isArray(reduction) && reduction.length !== count) {
    throw new ArgumentRangeError(
      `${where}: expected one number, or one for each of ${count} stages, received ${list.length}`,
    );
  }
}

/** Checks what concerns all SE blocks of a model; each block checks the rest. */
function checkSqueezeExcite(architecture: Architecture, se: ModelSqueezeExciteOptions): void {
  checkKeys('model: se', se, [...squeezeExciteKeys, 'stages', 'placement']);
  readChoice('model: se: placement', se.placement ?? 'standard', architecture.placements);
  if (se.stages !== undefined) checkStages(se.stages, architecture.stages);
  if (se.reduction !== undefined) checkReduction(se.reduction, architecture.stages);
}

/** Checks options that only some architectures have. */
function checkChoices(name: string, { choices }: Architecture, options: ModelBuildOptions): void {
  if (options.strideIn !== undefined && !choices.includes('strideIn')) {
    throw new ArgumentError(`model: strideIn: '${name}' has no bottlenecks that let one choose`);
  }
  if (options.dropPath !== undefined) {
    if (!choices.includes('dropPath')) {
      throw new ArgumentError(`model: dropPath: '${name}' has no stochastic depth`);
    }
    readNumber('model: dropPath', options.dropPath, 0, 1);
  }
  if (options.pool === undefined) return;
  if (!choices.includes('pool')) {
    throw new ArgumentError(`model: pool: '${name}' has no max pool that lets one choose`);
  }
  readChoice('model: pool', options.pool, ['padded', 'ceil']);
}

/** Refuses a name that there is not, and says which are like it. */
function refuseName(name: string): never {
  const near = listModels({ aliases: true })
    .map((known) => ({ known, far: distance(name.toLowerCase(), known) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3);
  throw new ArgumentRangeError(
    `model: expected the name of a model, such as ${near.map(({ known }) => known).join(', ')}; received '${name}'`,
  );
}

/**
 * The definition of a model of the zoo.
 *
 * @throws ArgumentRangeError for an unknown name, listing those that are like it.
 */
export function buildModel(name: ModelName, options: ModelBuildOptions = {}): ModelDefinition {
  if (typeof name !== 'string') throw new ArgumentError(`model: expected a name, received ${show(name)}`);
  checkKeys('model', options, optionKeys);
  if (isAlias(name)) {
    const { model, options: preset } = aliases[name];
    if (options.se !== undefined) checkObject('model: se', options.se);
    return buildModel(model, withPreset(preset, options));
  }
  if (!hasModel(name)) refuseName(name);
  const architecture = zoo[name];
  if (options.se !== undefined && !architecture.se) {
    // Networks that were published with SE have a plain counterpart, others one with SE.
    const excited = name.startsWith('plain_') ? name.slice('plain_'.length) : `se_${name}`;
    throw new ArgumentError(`model: se: '${name}' has no SE blocks; use '${excited}'`);
  }
  checkChoices(name, architecture, options);
  if (options.se !== undefined) checkSqueezeExcite(architecture, options.se);
  readNumber('model: dropout', options.dropout ?? 0, 0, 1);
  return architecture.define(name, options);
}
