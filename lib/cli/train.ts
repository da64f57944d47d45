import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type EpochLogs,
  livePage,
  type PreparedRun,
  prepareRun,
  progress,
  readRun,
  recipes,
  runFiles,
  trainRun,
} from '../index.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { countFromZero } from './options.ts';
import { fieldsOf, readConfigFile, recipeNames, runOptions, runUsage } from './run_config.ts';
import { skippedOf } from './skipped.ts';

/** `senet train` */
export const train: Command = {
  summary: 'trains a network, and saves all that is needed to go on',
  usage: `senet train [CONFIG] --out RUN [options]
senet train --resume RUN
  CONFIG            a run as JSON, or a module that exports one; the options change fields of it
  --out RUN         folder of the run: configuration, log, TensorBoard's events, checkpoints, weights; made new
  --resume RUN      go on with a run that was interrupted, bit for bit
  --recipe RECIPE   ${recipeNames}
  --epochs N        passes over the data
  --batch-size N    images in a step
  --lr RATE         peak learning rate of the schedule
  --ui              serve a page that shows the run while it goes on, on this machine alone; it ends as report.html
  --ui-port N       port of the page; default any that is free
${runUsage}`,
  options: {
    ...runOptions,
    out: { type: 'string' },
    resume: { type: 'string' },
    recipe: { type: 'string' },
    epochs: { type: 'string' },
    'batch-size': { type: 'string' },
    lr: { type: 'string' },
    ui: { type: 'boolean' },
    'ui-port': { type: 'string' },
  },
  positionals: [0, 1],
  run: async (given) => {
    const resume = given.text('resume');
    const directory = resume ?? given.text('out');
    if (directory === undefined) throw new UsageError('expected --out RUN, a folder for the run');
    const port = uiPort(given);
    const run = await (resume === undefined ? begin(given, directory) : goOn(given, directory));
    try {
      using page = port === undefined ? undefined : await livePage(run, { directory, port });
      if (page !== undefined) console.error(`The run is shown at ${page.url}`);
      const callbacks = page === undefined ? [progress()] : [progress(), page];
      const { epochs } = await trainRun(run, directory, { callbacks, handleSignals: true });
      const { broken, lines } = skippedOf(run.train, run.validation);
      return {
        text: [...lines, summary(directory, epochs)].join('\n'),
        json: { directory, epochs, broken },
      };
    } finally {
      run.model.dispose();
    }
  },
};

/** The port of the page, or undefined where none is wanted. */
function uiPort(given: Arguments): number | undefined {
  const port = countFromZero(given, 'ui-port');
  if (!given.flag('ui') && port !== undefined) throw new UsageError('--ui-port: expected --ui with it');
  if (port !== undefined && port > 65_535)
    throw new UsageError(`--ui-port: expected a port from 0 to 65535, received ${port}`);
  return given.flag('ui') ? (port ?? 0) : undefined;
}

/** A new run in an empty folder. */
async function begin(given: Arguments, directory: string): Promise<PreparedRun> {
  const [file] = given.positionals;
  const config = await configOf(given, file);
  await requireEmpty(directory);
  return prepareRun(config, file ?? 'options');
}

async function goOn(given: Arguments, directory: string): Promise<PreparedRun> {
  const others = ['out', 'recipe', 'epochs', 'batch-size', 'lr', ...Object.keys(runOptions)];
  const other = others.find((name) => given.text(name) !== undefined);
  if (other !== undefined || given.positionals.length > 0)
    throw new UsageError('--resume: expected nothing else; the run has its configuration');
  return prepareRun((await readRun(directory)).config, join(directory, runFiles.config));
}

async function requireEmpty(directory: string): Promise<void> {
  const names: string[] = await readdir(directory).catch(() => []);
  if (names.includes(runFiles.config))
    throw new UsageError(
      `--out: '${directory}' has a run already; go on with it by --resume, or choose another`,
    );
}

/** The file's fields, changed by the options. */
async function configOf(given: Arguments, file: string | undefined): Promise<unknown> {
  const base = file === undefined ? {} : await readConfigFile(file);
  const { compile, ...fields } = fieldsOf(given);
  const recipe = given.text('recipe');
  const epochs = given.whole('epochs');
  const batchSize = given.whole('batch-size');
  const config: Record<string, unknown> = {
    ...base,
    ...fields,
    ...(compile !== undefined && { compile: { ...Object(base['compile']), ...Object(compile) } }),
    ...(recipe !== undefined && { recipe }),
    ...(epochs !== undefined && { epochs }),
    ...(batchSize !== undefined && { batchSize }),
  };
  for (const name of ['model', 'data'])
    if (config[name] === undefined) throw new UsageError(`expected a CONFIG with '${name}', or --${name}`);
  const lr = given.text('lr');
  return lr === undefined ? config : withRate(config, lr);
}

/** The configuration with another learning rate, of its own schedule or the recipe's. */
function withRate(config: Record<string, unknown>, text: string): Record<string, unknown> {
  const lr = Number(text);
  if (text === '' || !Number.isFinite(lr) || lr < 0)
    throw new UsageError(`--lr: expected a learning rate, received '${text}'`);
  const recipe = new Map<unknown, Readonly<Record<string, unknown>>>(Object.entries(recipes)).get(
    config['recipe'],
  );
  const schedule = config['schedule'] ?? recipe?.['schedule'] ?? { kind: 'constant' };
  return { ...config, schedule: { ...Object(schedule), lr } };
}

function summary(directory: string, epochs: readonly EpochLogs[]): string {
  const last = epochs.at(-1)!;
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const { validation } = last;
  const tail = validation === undefined ? '' : `, validation top-1 ${percent(validation.top1)}`;
  return `${directory}: ${epochs.length} epochs, loss ${last.loss.toFixed(4)}, top-1 ${percent(last.top1)}${tail}`;
}
