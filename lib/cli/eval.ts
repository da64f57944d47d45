import { join } from 'node:path';
import { type PreparedRun, prepareRun, readRun, runFiles } from '../index.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { checkpointOf } from './options.ts';
import { fieldsOf, runOptions, runUsage } from './run_config.ts';
import { skippedOf } from './skipped.ts';

/** `senet eval` */
export const evaluate: Command = {
  summary: 'says how good a network is on data',
  usage: `senet eval RUN [options]
senet eval --model MODEL --weights FILE --data DATA [options]
  RUN               folder of a run of: senet train
  --checkpoint WHICH best or last of the run; default best
  --batch-size N    images at once; default 32
${runUsage}`,
  options: { ...runOptions, checkpoint: { type: 'string' }, 'batch-size': { type: 'string' } },
  positionals: [0, 1],
  run: async (given) => {
    const batchSize = given.whole('batch-size') ?? 32;
    const { model, train, validation, test } = await prepare(given);
    try {
      // A folder whose classes are too small to give any away is looked at as a whole.
      const found = await model.evaluate(test ?? validation ?? train, { batchSize });
      const { broken, lines } = skippedOf(train, validation);
      const { samples, loss, top1, top5 } = found;
      const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
      const text = `${samples} images: loss ${loss.toFixed(4)}, top-1 ${percent(top1)}, top-5 ${percent(top5)}`;
      return { text: [...lines, text].join('\n'), json: { ...found, broken } };
    } finally {
      model.dispose();
    }
  },
};

async function prepare(given: Arguments): Promise<PreparedRun> {
  const [directory] = given.positionals;
  const { compile, ...fields } = fieldsOf(given);
  // Everything that is random about the training images is left out.
  const plain = { epochs: 1, ...(compile !== undefined && { compile }) };
  if (directory === undefined) {
    checkpointOf(given, false);
    for (const name of ['model', 'weights', 'data'])
      if (fields[name] === undefined) throw new UsageError(`expected RUN, or --${name}`);
    return prepareRun({ ...fields, ...plain }, 'options');
  }
  const { model, modelOptions, data, seed } = (await readRun(directory)).config;
  const weights = join(directory, runFiles[checkpointOf(given, true)]);
  const config = {
    ...{ model, data, weights },
    ...(modelOptions && { modelOptions }),
    ...(seed !== undefined && { seed }),
  };
  return prepareRun({ ...config, ...fields, ...plain }, directory);
}
