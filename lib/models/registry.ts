/** The zoo: every architecture by name. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import type { ModelDefinition } from '../layers/index.ts';
import { checkKeys, readChoice, readNumber, readWhole, show } from '../layers/options.ts';
import { squeezeExciteKeys } from '../layers/squeeze_excite.ts';
import { type BnInceptionName, bnInceptions } from './bn_inception.ts';
import { type MobilenetName, mobilenets } from './mobilenet.ts';
import type { Architecture, ModelBuildOptions, ModelSqueezeExciteOptions } from './options.ts';
import { type PreresnetName, preresnets } from './preresnet.ts';
import { type RegnetName, regnets } from './regnet.ts';
import { type ResnetName, resnets } from './resnet.ts';
import { type ShufflenetName, shufflenets } from './shufflenet.ts';
import { type VggName, vggs } from './vgg.ts';

/** Names of the zoo's models. */
export type ModelName =
  | ResnetName
  | PreresnetName
  | VggName
  | MobilenetName
  | ShufflenetName
  | BnInceptionName
  | RegnetName;

const zoo: Readonly<Record<ModelName, Architecture>> = {
  ...resnets,
  ...preresnets,
  ...vggs,
  ...mobilenets,
  ...shufflenets,
  ...bnInceptions,
  ...regnets,
};

const optionKeys = ['input', 'classes', 'se', 'strideIn', 'dropout'];

const hasModel = (name: string): name is ModelName => Object.hasOwn(zoo, name);

/** The names that `createModel` takes, sorted. */
export function listModels(): ModelName[] {
  return Object.keys(zoo)
    .filter(hasModel)
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

/** Checks what concerns all SE blocks of a model; each block checks the rest. */
function checkSqueezeExcite(architecture: Architecture, se: ModelSqueezeExciteOptions): void {
  checkKeys('model: se', se, [...squeezeExciteKeys, 'stages', 'placement']);
  const { stages, placement = 'standard' } = se;
  readChoice('model: se: placement', placement, architecture.placements);
  if (stages === undefined) return;
  const where = 'model: se: stages';
  const expected = `expected different numbers from 1 to ${architecture.stages}`;
  if (!Array.isArray(stages)) throw new ArgumentError(`${where}: ${expected}, received ${show(stages)}`);
  for (const stage of stages) readWhole(where, stage, 1);
  if (
    stages.length === 0 ||
    new Set(stages).size < stages.length ||
    Math.max(...stages) > architecture.stages
  ) {
    throw new ArgumentRangeError(`${where}: ${expected}, received [${stages.join(', ')}]`);
  }
}

/**
 * The definition of a model of the zoo.
 *
 * @throws ArgumentRangeError for an unknown name, listing those that are like it.
 */
export function buildModel(name: ModelName, options: ModelBuildOptions = {}): ModelDefinition {
  if (typeof name !== 'string') throw new ArgumentError(`model: expected a name, received ${show(name)}`);
  if (!hasModel(name)) {
    const word: string = name;
    const near = listModels()
      .map((known) => ({ known, far: distance(word.toLowerCase(), known) }))
      .sort((a, b) => a.far - b.far)
      .slice(0, 3);
    throw new ArgumentRangeError(
      `model: expected the name of a model, such as ${near.map(({ known }) => known).join(', ')}; received '${word}'`,
    );
  }
  checkKeys('model', options, optionKeys);
  const architecture = zoo[name];
  if (options.se !== undefined && !architecture.se) {
    // Networks that were published with SE have a plain counterpart, others one with SE.
    const excited = name.startsWith('plain_') ? name.slice('plain_'.length) : `se_${name}`;
    throw new ArgumentError(`model: se: '${name}' has no SE blocks; use '${excited}'`);
  }
  if (options.strideIn !== undefined && !architecture.strideIn) {
    throw new ArgumentError(`model: strideIn: '${name}' has no bottlenecks that let one choose`);
  }
  if (options.se !== undefined) checkSqueezeExcite(architecture, options.se);
  readNumber('model: dropout', options.dropout ?? 0, 0, 1);
  return architecture.define(name, options);
}
