import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FileError, StateError } from '../errors.ts';
import { writeFileAtomic } from '../io/atomic_file.ts';
import { asFileError, isMissing, requirePath } from '../io/regular_file.ts';
import type { Callback, History } from '../train/callbacks.ts';
import { checkOptions } from '../train/check.ts';
import { jsonLines } from '../train/json_lines.ts';
import { tensorBoard } from '../train/tensorboard.ts';
import type { RunConfig } from './config.ts';
import type { PreparedRun } from './prepare.ts';
import { readRun, runFiles } from './read_run.ts';

/** Options of {@link trainRun}. */
export interface TrainRunOptions {
  /** Beside those that write the run's files. */
  callbacks?: readonly Callback[];
  signal?: AbortSignal;
  /** See {@link FitOptions.handleSignals}. */
  handleSignals?: boolean;
}

/** Whether the folder is of this run already; false where there is none in it. */
async function isSameRun(directory: string, config: RunConfig): Promise<boolean> {
  const found = await readRun(directory).catch((error: unknown) => {
    if (error instanceof FileError && isMissing(error.cause)) return undefined;
    throw error;
  });
  if (found === undefined) return false;
  // As the file has it: without what is undefined.
  const own: unknown = JSON.parse(JSON.stringify(config));
  if (isDeepStrictEqual(found.config, own)) return true;
  throw new StateError(
    `trainRun: expected a folder without a run or with this one, found '${directory}' with another configuration`,
  );
}

/** The configuration comes last: a folder that has one has all that goes before the first step. */
async function beginFolder(directory: string, config: RunConfig, classes: readonly string[]): Promise<void> {
  const write = (name: string, text: string) => writeFileAtomic(join(directory, name), [Buffer.from(text)]);
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw asFileError(directory, 'make', error);
  });
  await write(runFiles.classes, `${classes.join('\n')}\n`);
  await write(runFiles.config, `${JSON.stringify(config, undefined, 2)}\n`);
}

/**
 * Trains what {@link prepareRun} has made and keeps it in a folder: `config.json`, `classes.txt` with the names of the
 * classes, `log.jsonl`, TensorBoard's events, the folder `checkpoints` and at the end the weights that were validated,
 * `model.safetensors`. A run that is there already goes on where it was.
 *
 * @throws StateError for a folder with a run of another configuration
 * @example
 * const run = await prepareRun({ recipe: 'fashion-mnist', model: 'se_resnet20', data: { kind: 'fashion-mnist' } });
 * await trainRun(run, 'runs/first', { callbacks: [progress()] });
 * run.model.dispose();
 */
export async function trainRun(
  run: PreparedRun,
  directory: string,
  options: TrainRunOptions = {},
): Promise<History> {
  requirePath('trainRun: directory', directory);
  checkOptions('trainRun', options, ['callbacks', 'signal', 'handleSignals']);
  const { callbacks = [], ...more } = options;
  const { config, fit, model, validation, classes } = run;
  if (!(await isSameRun(directory, config))) await beginFolder(directory, config, classes);
  const history = await model.fit(run.train, {
    ...fit,
    ...more,
    callbacks: [
      ...(fit.callbacks ?? []),
      ...callbacks,
      jsonLines(join(directory, runFiles.log)),
      tensorBoard(directory),
    ],
    checkpoints: {
      directory: join(directory, runFiles.checkpoints),
      best: validation === undefined ? 'loss' : 'validation.top1',
      ...config.checkpoints,
    },
    resume: 'auto',
  });
  await model.save(join(directory, runFiles.last), { weights: fit.weights ?? 'trained' });
  return history;
}
