/** Configurations of runs from files and options of the command line. */
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { datasetNames, FileError, recipes } from '../index.ts';
import { type Arguments, type OptionKinds, UsageError } from './command.ts';
import { readText } from './files.ts';
import { choice } from './options.ts';

export const runOptions: OptionKinds = {
  model: { type: 'string' },
  data: { type: 'string' },
  directory: { type: 'string' },
  broken: { type: 'string' },
  weights: { type: 'string' },
  seed: { type: 'string' },
  device: { type: 'string' },
  threads: { type: 'string' },
};

export const runUsage = `  --model MODEL     name of the zoo, see: senet models
  --data DATA       ${datasetNames.join(', ')}, or a folder with a sub-folder for each class
  --directory DIR   where the files of a known data set are
  --broken KIND     error or skip: what to do about broken images of a folder; default error
  --weights FILE    weights to start from
  --seed N          decides initial weights, order, augmentation and dropout; default 0
  --device DEVICE   auto, cpu, cuda or cuda:1; default auto
  --threads N       threads on the CPU; default one a core`;

export const recipeNames = Object.keys(recipes).join(', ');

const knownData = new Set<string>(datasetNames);

/** What the options say, as fields of a configuration. */
export function fieldsOf(given: Arguments): Record<string, unknown> {
  const model = given.text('model');
  const data = given.text('data');
  const directory = given.text('directory');
  const weights = given.text('weights');
  const seed = given.text('seed');
  const device = given.text('device');
  const threads = given.whole('threads');
  if (seed !== undefined && !/^\d{1,15}$/.test(seed))
    throw new UsageError(`--seed: expected a whole number, received '${seed}'`);
  if (directory !== undefined && data !== undefined && !knownData.has(data))
    throw new UsageError('--directory: expected none where --data is a folder');
  const broken = choice(given, 'broken', ['error', 'skip']);
  for (const [name, value] of Object.entries({ directory, broken }))
    if (value !== undefined && data === undefined) throw new UsageError(`--${name}: expected --data with it`);
  const more = {
    ...(directory !== undefined && { directory }),
    ...(broken !== undefined && { broken }),
  };
  return {
    ...(model !== undefined && { model }),
    ...(data !== undefined && {
      data: knownData.has(data) ? { kind: data, ...more } : { ...more, kind: 'folder', directory: data },
    }),
    ...(weights !== undefined && { weights }),
    ...(seed !== undefined && { seed: Number(seed) }),
    ...((device !== undefined || threads !== undefined) && {
      compile: { ...(device !== undefined && { device }), ...(threads !== undefined && { threads }) },
    }),
  };
}

/** A configuration file: JSON, or a module whose default export is one. */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const found = extname(path) === '.json' ? await readJson(path) : await importModule(path);
  if (typeof found === 'object' && found !== null) return { ...found };
  throw new FileError(path, 'expected an object, the configuration of a run');
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FileError(path, `expected JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function importModule(path: string): Promise<unknown> {
  try {
    const module: { default?: unknown } = await import(pathToFileURL(resolve(path)).href);
    return module.default;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const needsNode =
      error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? ' (TypeScript needs Node 22.18 or later; elsewhere write it in JavaScript, as .mjs)'
        : '';
    throw new FileError(path, `cannot import: ${message}${needsNode}`);
  }
}
