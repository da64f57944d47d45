/** Images in files, decoded when their batch comes. */
import {
  type Augmentation,
  type CheckedAugmentation,
  checkAugmentation,
  unchanged,
} from '../data/augment/augmentation.ts';
import { Augmenter } from '../data/augment/augmenter.ts';
import { type Batch, type BatchOptions, checkBatchOptions } from '../data/dataset.ts';
import { permutation } from '../data/random.ts';
import { cropsOf, cutOut, Normalizer } from './crops.ts';
import { decodeImage } from './decode.ts';
import type { Pixels } from './image.ts';
import { mapLimited } from './pace.ts';
import { cropSize, type Preprocessing } from './preprocessing.ts';
import { resizeImage, sizeWithShortSide } from './resize.ts';

/** An image file and its class. */
export interface LabelledFile {
  readonly path: string;
  readonly label: number;
}

/** What the datasets of a folder have in common. */
export interface FolderSettings {
  readonly preprocessing: Preprocessing;
  /** Number of classes. */
  readonly classes: number;
  readonly limitPixels: number;
}

/**
 * Images in files, decoded when their batch comes. Order and augmentation are pure functions of (seed, epoch, index of
 * the image), as those of an `ImageDataset` are.
 */
export class FolderDataset {
  /** Number of images. */
  readonly size: number;
  /** Number of classes. */
  readonly classes: number;
  /** Names of the files, by index. */
  readonly files: readonly string[];
  readonly #images: readonly LabelledFile[];
  readonly #settings: FolderSettings;
  #augmentation: Augmentation = {};
  #changes: CheckedAugmentation = unchanged;

  /** @internal Made by `imageFolder`. */
  constructor(images: readonly LabelledFile[], settings: FolderSettings) {
    this.size = images.length;
    this.classes = settings.classes;
    this.files = images.map(({ path }) => path);
    this.#images = images;
    this.#settings = settings;
  }

  /** The random changes that `batches` makes; `{}` unless {@link augmented} gave some. */
  get augmentation(): Augmentation {
    return this.#augmentation;
  }

  /**
   * The same files with random changes in each epoch, in place of those that this dataset has. All but
   * `randomResizedCrop` start from the image as the preprocessing gives it, before normalization.
   *
   * @throws ArgumentError or ArgumentRangeError naming the part that is wrong
   * @example
   * const { train } = await imageFolder('flowers', { preprocessing: model.preprocessing });
   * await model.fit(train.augmented({ flip: true, randomResizedCrop: {} }), { epochs: 90 });
   */
  augmented(augmentation: Augmentation): FolderDataset {
    const changes = checkAugmentation('augmented', augmentation, cropSize(this.#settings.preprocessing));
    const dataset = new FolderDataset(this.#images, this.#settings);
    dataset.#augmentation = structuredClone(augmentation);
    dataset.#changes = changes;
    return dataset;
  }

  /**
   * Walks once through the images.
   *
   * @throws ArgumentError or ArgumentRangeError at once if an option is wrong; the walk throws FileError naming the
   *   file that is damaged or no image
   */
  batches(options: BatchOptions): AsyncIterableIterator<Batch> {
    return this.#walk(checkBatchOptions(options));
  }

  async *#walk({
    batchSize,
    shuffle,
    seed,
    epoch,
    dropLast,
    skip,
  }: Required<BatchOptions>): AsyncGenerator<Batch, undefined> {
    const order = shuffle ? permutation(this.size, seed, epoch) : undefined;
    const augmenter = new Augmenter(this.#changes, seed, epoch);
    const { preprocessing, classes } = this.#settings;
    const normalizer = new Normalizer(preprocessing);
    const end = dropLast ? this.size - (this.size % batchSize) : this.size;
    for (let start = skip * batchSize; start < end; start += batchSize) {
      const size = Math.min(batchSize, end - start);
      const indices = Array.from({ length: size }, (_, i) => order?.[start + i] ?? start + i);
      const images = new Float32Array(size * normalizer.size);
      await mapLimited(indices, 4, (index, i) =>
        this.#write(index, augmenter, normalizer, images, i * normalizer.size),
      );
      const labels = Int32Array.from(indices, (index) => this.#images[index]!.label);
      yield { images, labels: augmenter.mix(start, images, labels, normalizer.shape, classes), size };
    }
    return undefined;
  }

  async #write(
    index: number,
    augmenter: Augmenter,
    normalizer: Normalizer,
    out: Float32Array,
    offset: number,
  ) {
    const picture = await this.#picture(index, augmenter);
    const changed = augmenter.change(index, { ...picture, channels: 3 }, 255);
    const { dy, dx, flip } = augmenter.placement(index);
    normalizer.write(changed, { top: dy, left: flip ? -dx : dx, flip }, out, offset);
    augmenter.hide(index, out, offset, normalizer.shape);
  }

  /** The image in the network's size. */
  async #picture(index: number, augmenter: Augmenter): Promise<Pixels> {
    const { preprocessing, limitPixels } = this.#settings;
    const { path } = this.#images[index]!;
    const pixels = await decodeImage(path, path, limitPixels);
    const [height, width] = cropSize(preprocessing);
    const part = augmenter.part(index, pixels);
    if (part !== undefined)
      return resizeImage(cutOut(pixels, part), width, height, preprocessing.interpolation);
    const size = sizeWithShortSide(pixels, preprocessing.resize);
    const resized = await resizeImage(pixels, size.width, size.height, preprocessing.interpolation);
    return cutOut(resized, { ...cropsOf(resized, preprocessing, 'center')[0]!, height, width });
  }
}
