/** Folders of images, a sub-folder for each class, as data to train and evaluate on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireOptions, requireWhole } from '../data/check.ts';
import { philox4x32, randomUse, seedKey } from '../data/random.ts';
import { ArgumentError, ArgumentRangeError, FileError, ShapeError } from '../errors.ts';
import { asFileError, requirePath } from '../io/regular_file.ts';
import { FolderDataset, type FolderSettings, type LabelledFile } from './folder_dataset.ts';
import { defaultLimitPixels } from './image.ts';
import { checkPreprocessing, type Preprocessing } from './preprocessing.ts';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions {
  /** How to prepare the images: that of the model, `model.preprocessing`. Its crop is the size of the images. */
  readonly preprocessing: Preprocessing;
  /**
   * The images to validate with: a folder of them, with sub-folders named as those to train on, or a share of each class
   * that is kept back, at least 0 and below 1. Default: the sub-folder `val` or `validation` where there is one beside
   * `train`, else 0.2.
   */
  readonly validation?: number | string;
  /** Decides which images are kept for validation; default 0. */
  readonly seed?: number;
  /**
   * What to do about a file that is damaged, too large or no image: `'error'`, the default, ends the walk; `'skip'` puts
   * the next whole image in its place and lists the file in the dataset's `broken`. A file that cannot be opened or read
   * ends the walk in any case.
   */
  readonly broken?: 'error' | 'skip';
  /** Batches prepared while one is in use, 1 to 64; default 2. */
  readonly prefetch?: number;
  /** Largest width × height × channels of an image; default 2^28. */
  readonly limitPixels?: number;
}

/** What {@link imageFolder} finds. */
export interface ImageFolder {
  /** Names of the sub-folders, sorted; the class index is the position. */
  readonly classes: readonly string[];
  readonly train: FolderDataset;
  /** Undefined where every class has too few images to give one away. */
  readonly validation: FolderDataset | undefined;
}

/** Names that are taken for images. */
const imageName = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/**
 * Finds images in a folder that has a sub-folder for each class, or has folders `train` and `val` (or `validation`) that
 * do. Files with other endings than those of images, and hidden ones, are passed over. Images are decoded when their
 * batch comes, on sharp's threads; nothing is kept in memory.
 *
 * @throws FileError if a folder cannot be read, has no sub-folders, one of them has no images, or there is a class to
 *   validate that is not trained
 * @example
 * const { classes, train, validation } = await imageFolder('flowers', { preprocessing: model.preprocessing });
 * const data = train.augmented({ flip: true, randomResizedCrop: { scale: [0.25, 1] } });
 * await model.fit(data, { epochs: 5, batchSize: 32, ...(validation && { validation }) });
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<ImageFolder> {
  requirePath('imageFolder', path);
  const { preprocessing, validation, seed, broken, prefetch, limitPixels } = checkOptions(options);
  const places = await placesIn(path, validation);
  const classes = await classesIn(places.train);
  const settings: FolderSettings = { preprocessing, classes: classes.length, limitPixels, broken, prefetch };
  const dataset = (files: readonly LabelledFile[]) => new FolderDataset(files, settings);
  const files = await filesIn(places.train, classes, classes);
  if (places.validation !== undefined) {
    const held = await filesIn(places.validation, await classesIn(places.validation), classes);
    return { classes, train: dataset(files), validation: dataset(held) };
  }
  const held = heldOut(files, places.share, seed);
  const kept = files.filter((file) => !held.has(file));
  return { classes, train: dataset(kept), validation: held.size === 0 ? undefined : dataset([...held]) };
}

function checkOptions(options: ImageFolderOptions) {
  requireOptions('imageFolder', options);
  const { validation, seed = 0, broken = 'error', prefetch = 2, limitPixels = defaultLimitPixels } = options;
  const preprocessing = checkPreprocessing('imageFolder: preprocessing', options.preprocessing);
  const channels = preprocessing.mean.length;
  if (channels !== 1 && channels !== 3)
    throw new ShapeError(`imageFolder: preprocessing: mean: expected 1 or 3 numbers, received ${channels}`);
  if (typeof validation === 'string') {
    requirePath('imageFolder: validation', validation);
  } else if (validation !== undefined && !(validation >= 0 && validation < 1)) {
    throw new ArgumentRangeError(
      `imageFolder: validation: expected a folder or a share from 0 to below 1, received ${String(validation)}`,
    );
  }
  requireWhole('imageFolder: seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (broken !== 'error' && broken !== 'skip') {
    throw new ArgumentRangeError(
      `imageFolder: broken: expected 'error' or 'skip', received ${String(broken)}`,
    );
  }
  requireWhole('imageFolder: prefetch', prefetch, 1, 64);
  requireWhole('imageFolder: limitPixels', limitPixels, 1, 2 ** 31 - 1);
  return { preprocessing, validation, seed, broken, prefetch, limitPixels };
}

/** Where the images to train on are, and those to validate with or their share of the former. */
interface Places {
  readonly train: string;
  readonly validation: string | undefined;
  readonly share: number;
}

async function placesIn(path: string, validation: number | string | undefined): Promise<Places> {
  if (typeof validation === 'string') return { train: path, validation, share: 0 };
  const folders = await foldersIn(path);
  const held = ['val', 'validation'].find((name) => folders.includes(name));
  if (held === undefined || !folders.includes('train'))
    return { train: path, validation: undefined, share: validation ?? 0.2 };
  if (validation !== undefined) {
    throw new ArgumentError(
      `imageFolder: validation: expected nothing, as ${path} has folders train and ${held}, received ${validation}`,
    );
  }
  return { train: join(path, 'train'), validation: join(path, held), share: 0 };
}

const foldersIn = (path: string): Promise<string[]> => namesIn(path, (entry) => entry.isDirectory());

async function classesIn(path: string): Promise<string[]> {
  const classes = await foldersIn(path);
  if (classes.length === 0) throw new FileError(path, 'expected a sub-folder for each class, found none');
  return classes;
}

/** The images of some classes; their labels are the positions in all of them. */
async function filesIn(
  path: string,
  classes: readonly string[],
  all: readonly string[],
): Promise<LabelledFile[]> {
  const found: LabelledFile[] = [];
  for (const name of classes) {
    const folder = join(path, name);
    const label = all.indexOf(name);
    if (label < 0) throw new FileError(folder, 'expected a class that is trained, there is no such folder');
    const files = await namesIn(folder, (entry) => !entry.isDirectory() && imageName.test(entry.name));
    if (files.length === 0) throw new FileError(folder, 'expected images, found none');
    for (const file of files) found.push({ path: join(folder, file), label });
  }
  return found;
}

/** Names in a folder, without hidden ones, in an order that depends on no locale. */
async function namesIn(
  folder: string,
  wanted: (entry: { name: string; isDirectory(): boolean }) => boolean,
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw asFileError(folder, 'read', error);
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.') && wanted(entry))
    .map(({ name }) => name)
    .sort();
}

/** The images that are kept for validation, in the order of the files: of each class those with the smallest words. */
function heldOut(files: readonly LabelledFile[], share: number, seed: number): Set<LabelledFile> {
  const key = seedKey(seed);
  const byClass = new Map<number, { file: LabelledFile; word: number }[]>();
  for (const file of files) {
    const group = byClass.get(file.label) ?? [];
    byClass.set(file.label, group);
    const [word] = philox4x32([group.length, file.label, randomUse.split, 0], key);
    group.push({ file, word });
  }
  const chosen = [...byClass.values()].flatMap((group) =>
    group.toSorted((a, b) => a.word - b.word).slice(0, Math.floor(group.length * share)),
  );
  const held = new Set(chosen.map(({ file }) => file));
  return new Set(files.filter((file) => held.has(file)));
}
