/** Folders of images, a sub-folder for each class, as data to train and evaluate on. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireFlag, requireOptions, requireWhole } from '../data/check.ts';
import type { Batch, BatchOptions } from '../data/dataset.ts';
import { permutation, philox4x32, randomUse, seedKey } from '../data/random.ts';
import { ArgumentError, ArgumentRangeError, FileError, ShapeError } from '../errors.ts';
import { asFileError, requirePath } from '../io/regular_file.ts';
import { cropsOf, Normalizer } from './crops.ts';
import { decodeImage } from './decode.ts';
import { defaultLimitPixels, type Pixels } from './image.ts';
import { mapLimited } from './pace.ts';
import { checkPreprocessing, cropSize, type Preprocessing } from './preprocessing.ts';
import { randomCrop } from './random_crop.ts';
import { resizeImage, sizeWithShortSide } from './resize.ts';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions {
  /** How to prepare the images: that of the model, `model.preprocessing`. Its crop is the size of the images. */
  readonly preprocessing: Preprocessing;
  /** Share of each class that is kept for validation, at least 0 and below 1; default 0.2. */
  readonly validation?: number;
  /** Decides which images are kept for validation; default 0. */
  readonly seed?: number;
  /**
   * Show training images as a random part, of 25 to 100 % of the area and 3:4 to 4:3, and every second one mirrored;
   * default true.
   */
  readonly augment?: boolean;
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

interface LabelledFile {
  readonly path: string;
  readonly label: number;
}

interface FolderSettings {
  readonly preprocessing: Preprocessing;
  readonly augment: boolean;
  readonly limitPixels: number;
}

/** Names that are taken for images. */
const imageName = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/** Images in files, decoded when their batch comes. Order and augmentation depend on (seed, epoch, index) alone. */
export class FolderDataset {
  /** Number of images. */
  readonly size: number;
  /** Names of the files, by index. */
  readonly files: readonly string[];
  readonly #images: readonly LabelledFile[];
  readonly #settings: FolderSettings;

  /** @internal Made by {@link imageFolder}. */
  constructor(images: readonly LabelledFile[], settings: FolderSettings) {
    this.size = images.length;
    this.files = images.map(({ path }) => path);
    this.#images = images;
    this.#settings = settings;
  }

  /**
   * Walks once through the images. The option `augment` of other datasets is that of `imageFolder` here.
   *
   * @throws ArgumentError or ArgumentRangeError at once if an option is wrong; the walk throws FileError naming the
   *   file that is damaged or no image
   */
  batches(options: BatchOptions): AsyncIterableIterator<Batch> {
    requireOptions('batches', options);
    const { batchSize, shuffle = false, seed = 0, epoch = 0, dropLast = false, skip = 0 } = options;
    requireWhole('batches: batchSize', batchSize, 1, 2 ** 31 - 1);
    requireFlag('batches: shuffle', shuffle);
    requireWhole('batches: seed', seed, 0, Number.MAX_SAFE_INTEGER);
    requireWhole('batches: epoch', epoch, 0, 2 ** 32 - 1);
    requireFlag('batches: dropLast', dropLast);
    requireWhole('batches: skip', skip, 0, 2 ** 32 - 1);
    if (options.augment !== undefined)
      throw new ArgumentError('batches: augment: expected nothing; it is an option of imageFolder');
    return this.#walk({ batchSize, shuffle, seed, epoch, dropLast, skip });
  }

  async *#walk(options: Required<Omit<BatchOptions, 'augment'>>): AsyncGenerator<Batch, undefined> {
    const { batchSize, seed, epoch } = options;
    const order = options.shuffle ? permutation(this.size, seed, epoch) : undefined;
    const normalizer = new Normalizer(this.#settings.preprocessing);
    const end = options.dropLast ? this.size - (this.size % batchSize) : this.size;
    for (let start = options.skip * batchSize; start < end; start += batchSize) {
      const size = Math.min(batchSize, end - start);
      const indices = Array.from({ length: size }, (_, i) => order?.[start + i] ?? start + i);
      const images = new Float32Array(size * normalizer.size);
      await mapLimited(indices, 4, (index, i) =>
        this.#prepare(index, seed, epoch, normalizer, images, i * normalizer.size),
      );
      yield { images, labels: Int32Array.from(indices, (index) => this.#images[index]!.label), size };
    }
    return undefined;
  }

  async #prepare(
    index: number,
    seed: number,
    epoch: number,
    normalizer: Normalizer,
    out: Float32Array,
    offset: number,
  ): Promise<void> {
    const { preprocessing, augment, limitPixels } = this.#settings;
    const { path } = this.#images[index]!;
    const pixels = await decodeImage(path, path, limitPixels);
    if (!augment) {
      const { width, height } = sizeWithShortSide(pixels, preprocessing.resize);
      const resized = await resizeImage(pixels, width, height, preprocessing.interpolation);
      normalizer.write(resized, cropsOf(resized, preprocessing, 'center')[0]!, out, offset);
      return;
    }
    const { part, flip } = randomCrop(pixels, index, seed, epoch);
    const [height, width] = cropSize(preprocessing);
    const resized: Pixels = await resizeImage(part, width, height, preprocessing.interpolation);
    normalizer.write(resized, { top: 0, left: 0, flip }, out, offset);
  }
}

/**
 * Finds images in a folder that has a sub-folder for each class. Files with other endings than those of images, and
 * hidden ones, are passed over. Images are decoded when their batch comes; nothing is kept in memory.
 *
 * @throws FileError if the folder cannot be read, has no sub-folders, or one of them has no images
 * @example
 * const { classes, train, validation } = await imageFolder('flowers', { preprocessing: model.preprocessing });
 * await model.fit(train, { epochs: 5, batchSize: 32, ...(validation && { validation }) });
 */
export async function imageFolder(path: string, options: ImageFolderOptions): Promise<ImageFolder> {
  requirePath('imageFolder', path);
  requireOptions('imageFolder', options);
  const { validation = 0.2, seed = 0, augment = true, limitPixels = defaultLimitPixels } = options;
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
  requireFlag('imageFolder: augment', augment);
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
  return {
    classes,
    train: new FolderDataset(train, { preprocessing, augment, limitPixels }),
    validation:
      held.length === 0 ? undefined : new FolderDataset(held, { preprocessing, augment: false, limitPixels }),
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
