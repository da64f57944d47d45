import {
  type Augmentation,
  cifar10,
  cifar100,
  datasetNames,
  FileError,
  type FolderDataset,
  fashionMnist,
  fitPreprocessing,
  type ImageDataset,
  imageFolder,
  mnist,
  preprocessings,
  previewData,
} from '../index.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { readText, writeOut } from './files.ts';
import { choice, countFromZero, required } from './options.ts';
import { skippedOf } from './skipped.ts';

/** `senet data preview` */
export const data: Command = {
  summary: 'shows images as training sees them',
  usage: `senet data preview FOLDER [options]
senet data preview --dataset NAME --data DIR [options]
  FOLDER            has a sub-folder of images for each class, or train and val that have
  --dataset NAME    ${datasetNames.join(', ')}
  --data DIR        folder with the dataset's files
  --augment A       augmentation: JSON such as '{"flip":true,"crop":4}', or the name of a JSON file; default none
  --size N          side of a folder's images for the network; default 224
  --broken KIND     error or skip: what to do about broken images of a folder; default error
  --count N         images to show, each as it is and augmented; default 16, or all there are
  --seed N          seed of order and augmentation; default 0
  --epoch N         epoch of order and augmentation; default 0
  --out FILE        the PNG file to write; default preview.png`,
  options: {
    dataset: { type: 'string' },
    data: { type: 'string' },
    augment: { type: 'string' },
    size: { type: 'string' },
    broken: { type: 'string' },
    count: { type: 'string' },
    seed: { type: 'string' },
    epoch: { type: 'string' },
    out: { type: 'string' },
  },
  positionals: [1, 2],
  run: async (given) => {
    const [action, folder] = given.positionals;
    if (action !== 'preview') throw new UsageError(`expected preview, received '${action}'`);
    const count = given.whole('count') ?? 16;
    const seed = countFromZero(given, 'seed');
    const epoch = countFromZero(given, 'epoch');
    const augmentation = await readAugmentation(given.text('augment'));
    const plain = await open(folder, given);
    const augmented = plain.augmented(augmentation);
    const out = given.text('out') ?? 'preview.png';
    const shown = Math.min(count, plain.size);
    const sheet = await previewData(augmented, {
      count: shown,
      ...(seed !== undefined && { seed }),
      ...(epoch !== undefined && { epoch }),
    });
    await writeOut(out, sheet);
    const { lines, broken } = skippedOf(augmented);
    return {
      text: [`${out}: ${shown} of ${plain.size} images`, ...lines].join('\n'),
      json: { out, shown, size: plain.size, augmentation, broken },
    };
  },
};

function open(folder: string | undefined, given: Arguments): Promise<ImageDataset | FolderDataset> {
  const name = choice(given, 'dataset', datasetNames);
  if ((folder === undefined) === (name === undefined))
    throw new UsageError('expected a FOLDER or --dataset NAME');
  return folder === undefined ? openDataset(name!, given) : openFolder(folder, given);
}

async function openFolder(folder: string, given: Arguments): Promise<FolderDataset> {
  const size = given.whole('size') ?? 224;
  const broken = choice(given, 'broken', ['error', 'skip']) ?? 'error';
  const preprocessing = fitPreprocessing(preprocessings.imagenet, [size, size, 3]);
  return (await imageFolder(folder, { preprocessing, broken })).train;
}

async function openDataset(name: (typeof datasetNames)[number], given: Arguments): Promise<ImageDataset> {
  if (name === 'fashion-mnist') {
    const directory = given.text('data');
    return (await fashionMnist({ ...(directory !== undefined && { directory }) })).train;
  }
  const read = { cifar10, cifar100, mnist }[name];
  return (await read({ directory: required(given, 'data', 'DIR') })).train;
}

/** JSON in the argument itself, or in the file that it names; its meaning is checked by the dataset. */
async function readAugmentation(argument: string | undefined): Promise<Augmentation> {
  if (argument === undefined) return {};
  const inline = argument.trimStart().startsWith('{');
  const text = inline ? argument : await readText(argument);
  try {
    return JSON.parse(text);
  } catch {
    if (inline) throw new UsageError(`--augment: expected JSON, received '${argument}'`);
    throw new FileError(argument, 'expected JSON that describes an augmentation');
  }
}
