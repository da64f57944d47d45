/** Folders of images, a sub-folder for each class, as data to train and evaluate on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireOptions, requireWhole } from '../data/check.ts';
import { philox4x32, randomUse, seedKey } from '../data/random.ts';
import { ArgumentRangeError, FileError, ShapeError } from '../errors.ts';
import { asFileError, requirePath } from '../io/regular_file.ts';
import { FolderDataset, type LabelledFile } from './folder_dataset.ts';
import { defaultLimitPixels } from './image.ts';
import { checkPreprocessing, type Preprocessing } from './preprocessing.ts';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions {
  /** How to prepare the images: that of the model, `model.preprocessing`. Its crop is the size of the images. */
  readonly preprocessing: Preprocessing;
  /** Share of each class that is kept for validation, at least 0 and below 1; default 0.2. */
  readonly validation?: number;
  /** Decides which images are kept for validation; default 0. */
  readonly seed?: number;
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
 * Finds images in a folder that has a sub-folder for each class. Files with other endings than those of images, and
 * hidden ones, are passed over. Images are decoded when their batch comes; nothing is kept in memory.
 *
 * @throws FileError if the folder cannot be read, has no sub-folders, or one of them has no images
 * @example
 * const { classes, train, validation } = await imageFolder('flowers', { preprocessing: model.preprocessing });
 * const data = train.augmented({ flip: true, randomResizedCrop: { scale: [0.25, 1] } });
 * await model.fit(data, { epochs: 5, batchSize: 32, ...(validation && { validation }) });
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<ImageFolder> {
  requirePath('imageFolder', path);
  requireOptions('imageFolder', options);
  const { validation = 0.2, seed = 0, limitPixels = defaultLimitPixels } = options;
  const preprocessing = checkPreprocessing('imageFolder: preprocessing', options.preprocessing);
  const channels = preprocessing.mean.length;
  if (channels !== 1 && channels !== 3)
    throw new ShapeError(`imageFolder: preprocessing: mean: expected 1 or 3 numbers, received ${channels}`);
  if (typeof validation !== 'number' || !(validation >= 0 && validation < 1)) {
    throw new ArgumentRangeError(
      `imageFolder: validation: expected a share from 0 to below 1, received ${String(validation)}`,
    );
  }
  requireWhole('imageFolder: seed', seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole('imageFolder: limitPixels', limitPixels, 1, 2 ** 31 - 1);
  const classes = await namesIn(path, (entry) => entry.isDirectory());
  if (classes.length === 0) throw new FileError(path, 'expected a sub-folder for each class, found none');
  const train: LabelledFile[] = [];
  const held: LabelledFile[] = [];
  for (const [label, name] of classes.entries()) {
    const folder = join(path, name);
    const files = await namesIn(folder, (entry) => !entry.isDirectory() && imageName.test(entry.name));
    if (files.length === 0) throw new FileError(folder, 'expected images, found none');
    const kept = heldOut(files.length, Math.floor(files.length * validation), seed, label);
    for (const [i, file] of files.entries())
      (kept.has(i) ? held : train).push({ path: join(folder, file), label });
  }
  const settings = { preprocessing, classes: classes.length, limitPixels };
  return {
    classes,
    train: new FolderDataset(train, settings),
    validation: held.length === 0 ? undefined : new FolderDataset(held, settings),
  };
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

/** The images of a class that are kept for validation: those with the smallest random numbers. */
function heldOut(size: number, count: number, seed: number, label: number): Set<number> {
  const words = Array.from(
    { length: size },
    (_, i) => philox4x32([i, label, randomUse.split, 0], seedKey(seed))[0],
  );
  const order = words.map((_, i) => i).sort((a, b) => words[a]! - words[b]! || a - b);
  return new Set(order.slice(0, count));
}
