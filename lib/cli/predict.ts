import {
  type DeviceName,
  FileError,
  fitPreprocessing,
  type Guess,
  imagenetClasses,
  type Model,
  type PredictOptions,
  preprocessings,
  topK,
} from '../index.ts';
import type { Arguments, Command } from './command.ts';
import { readText } from './files.ts';
import {
  checkpointOf,
  choice,
  modelOf,
  modelOptions,
  modelUsage,
  numbers,
  openRun,
  required,
} from './options.ts';

const presets = Object.entries(preprocessings);

/** `senet predict IMAGE …` */
export const predict: Command = {
  summary: 'says what is on images',
  usage: `senet predict IMAGE... --run RUN [options]
senet predict IMAGE... --model MODEL --weights FILE [options]
  --run RUN         folder of a run of: senet train
  --checkpoint WHICH best or last of the run; default best
  --model MODEL     name of the zoo, see: senet models
  --weights FILE    the model's weights
  --top K           classes to show for each image; default 5
  --names FILE      names of the classes, a line each; default those of the run, or of ImageNet where there are 1000
  --crops KIND      center or ten; default center
  --scales N,N      lengths of the shorter side to average over
  --preprocessing P ${presets.map(([name]) => name).join(', ')}; default that of the weights
  --device DEVICE   auto, cpu or cuda; default auto
${modelUsage}`,
  options: {
    ...modelOptions,
    run: { type: 'string' },
    checkpoint: { type: 'string' },
    model: { type: 'string' },
    weights: { type: 'string' },
    top: { type: 'string' },
    names: { type: 'string' },
    crops: { type: 'string' },
    scales: { type: 'string' },
    preprocessing: { type: 'string' },
    device: { type: 'string' },
  },
  positionals: [1, Number.POSITIVE_INFINITY],
  run: async (given) => {
    const top = given.whole('top') ?? 5;
    const views = viewOptions(given);
    const device = choice<DeviceName>(given, 'device', ['auto', 'cpu', 'cuda']);
    const preset = choice(
      given,
      'preprocessing',
      presets.map(([word]) => word),
    );
    const { model: opened, classes: known } = await open(given);
    using model = opened;
    const names = await classNames(given.text('names'), model, known);
    if (device !== undefined) await model.compile({ device });
    const preprocessing = presets.find(([word]) => word === preset)?.[1];
    const options: PredictOptions = {
      ...views,
      ...(preprocessing && { preprocessing: fitPreprocessing(preprocessing, model.input) }),
    };
    const probabilities = await model.predict([...given.positionals], options);
    const { classes } = model;
    const found = given.positionals.map((image, i) => ({
      image,
      top: topK(probabilities.subarray(i * classes, (i + 1) * classes), top, names),
    }));
    return { text: found.map(format).join('\n\n'), json: found };
  },
};

/** The network with its weights, and the names of its classes where they are known. */
async function open(given: Arguments): Promise<{ model: Model; classes?: readonly string[] }> {
  const run = given.text('run');
  if (run !== undefined) return openRun(run, given);
  checkpointOf(given, false);
  const name = required(given, 'model', 'MODEL, or --run RUN');
  const weights = required(given, 'weights', 'FILE');
  const model = modelOf(name, given);
  try {
    await model.load(weights);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { model };
}

function viewOptions(given: Arguments): PredictOptions {
  const crops = choice(given, 'crops', ['center', 'ten']);
  const scales = given.text('scales');
  return {
    ...(crops !== undefined && { crops }),
    ...(scales !== undefined && {
      scales: numbers('--scales', scales, ',', 'whole numbers with commas, such as 224,256'),
    }),
  };
}

async function classNames(
  file: string | undefined,
  model: Model,
  known: readonly string[] | undefined,
): Promise<readonly string[] | undefined> {
  if (file === undefined)
    return known ?? (model.classes === imagenetClasses.length ? imagenetClasses : undefined);
  const text = await readText(file);
  const names = text.split('\n').map((line) => line.trim());
  if (names.at(-1) === '') names.pop();
  if (names.length !== model.classes) {
    throw new FileError(file, `expected ${model.classes} lines, one per class, received ${names.length}`);
  }
  return names;
}

const format = ({ image, top }: { image: string; top: readonly Guess[] }): string =>
  [
    image,
    ...top.map(
      ({ index, name, probability }) =>
        `  ${(100 * probability).toFixed(2).padStart(6)} %  ${name}${name === String(index) ? '' : ` (${index})`}`,
    ),
  ].join('\n');
