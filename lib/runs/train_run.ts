import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asFileError, requirePath } from '../io/regular_file.ts';
import type { Callback, History } from '../train/callbacks.ts';
import { checkOptions } from '../train/check.ts';
import { jsonLines } from '../train/json_lines.ts';
import { tensorBoard } from '../train/tensorboard.ts';
import type { PreparedRun } from './prepare.ts';
import { runFiles } from './read_run.ts';

/** Options of {@link trainRun}. */
export interface TrainRunOptions {
  /** Beside those that write the run's files. */
  callbacks?: readonly Callback[];
  signal?: AbortSignal;
  /** See {@link FitOptions.handleSignals}. */
  handleSignals?: boolean;
}

/**
 * Trains what {@link prepareRun} has made and keeps it in a folder: `config.json`, `classes.txt` with the names of the
 * classes, `log.jsonl`, TensorBoard's events, the folder `checkpoints` and at the end the weights, `model.safetensors`. A run that is there already goes on where it was.
 *
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
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, runFiles.config), `${JSON.stringify(config, undefined, 2)}\n`);
    await writeFile(join(directory, runFiles.classes), `${classes.join('\n')}\n`);
  } catch (error) {
    throw asFileError(directory, 'write', error);
  }
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
  await model.save(join(directory, runFiles.model));
  return history;
}
