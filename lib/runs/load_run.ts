/** The network that a run has trained. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError } from '../io/regular_file.ts';
import type { Model } from '../model.ts';
import { checkChoice, checkOptions } from '../train/check.ts';
import type { RunConfig } from './config.ts';
import { datasets } from './data.ts';
import { modelOf } from './prepare.ts';
import { readRun, runFiles } from './read_run.ts';

/** Options of {@link loadRun}. */
export interface LoadRunOptions {
  /** The weights of the best epoch (`'best'`, default), or those at the run's end. */
  checkpoint?: 'best' | 'last';
}

/** A network that was trained, with what is needed to use it. */
export interface LoadedRun {
  readonly config: RunConfig;
  /** With its weights and preprocessing; to be disposed of. */
  readonly model: Model;
  /** Names of the classes by index. */
  readonly classes: readonly string[];
}

/**
 * Loads the network of a run from its folder. The data that it was trained on is not needed.
 *
 * @throws FileError if the folder is none of a run, or has no such weights yet
 * @example
 * const { model, classes } = await loadRun('runs/first');
 * const [best] = topK(await model.predict('photo.jpg'), 1, classes);
 * model.dispose();
 */
export async function loadRun(directory: string, options: LoadRunOptions = {}): Promise<LoadedRun> {
  checkOptions('loadRun', options, ['checkpoint']);
  const checkpoint = checkChoice('loadRun: checkpoint', options.checkpoint ?? 'best', ['best', 'last']);
  const { config } = await readRun(directory);
  const classes = await readClasses(join(directory, runFiles.classes));
  const { kind } = config.data;
  const input = kind === 'folder' ? {} : { input: datasets[kind].shape };
  const model = modelOf(config, { ...input, classes: classes.length });
  try {
    await model.load(join(directory, runFiles[checkpoint]));
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { config, model, classes };
}

async function readClasses(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw asFileError(path, 'read', error);
  });
  return text.replace(/\n$/, '').split('\n');
}
