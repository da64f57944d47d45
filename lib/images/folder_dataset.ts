/** Images in files, decoded when their batch comes. */
import {
  type Augmentation,
  type CheckedAugmentation,
  checkAugmentation,
  unchanged,
} from '../data/augment/augmentation.ts';
import { Augmenter } from '../data/augment/augmenter.ts';
import type { Batch, PreparedImages } from '../data/batch.ts';
import { type BatchOptions, checkBatchOptions } from '../data/dataset.ts';
import { type Normalization, Normalizer } from '../data/normalization.ts';
import type { Values } from '../data/pixels.ts';
import { permutation } from '../data/random.ts';
import { FileError } from '../errors.ts';
import { isSystemError } from '../io/regular_file.ts';
import { BatchStream, type BatchWork } from './batch_stream.ts';
import { cropsOf, normalizationOf, PartWriter } from './crops.ts';
import { decodePart, decodeWhole, readImage } from './decode.ts';
import { cutOut, type Pixels } from './image.ts';
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
  readonly broken: 'error' | 'skip';
  /** Batches prepared while one is in use. */
  readonly prefetch: number;
}

/** A file that could not be used. */
export interface BrokenFile {
  readonly file: string;
  readonly reason: string;
}

/** More than libuv's four threads take, so that these find work while JavaScript's does its part. */
const imagesAtOnce = 8;

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
  readonly #normalization: Normalization;
  readonly #normalizer: Normalizer;
  readonly #writer: PartWriter;
  /** Reasons by index; shared with datasets of other augmentations. */
  readonly #broken: Map<number, string>;
  #augmentation: Augmentation = {};
  #changes: CheckedAugmentation = unchanged;

  /** @internal Made by `imageFolder`. */
  constructor(
    images: readonly LabelledFile[],
    settings: FolderSettings,
    broken: Map<number, string> = new Map(),
  ) {
    this.size = images.length;
    this.classes = settings.classes;
    this.files = images.map(({ path }) => path);
    this.#images = images;
    this.#settings = settings;
    this.#normalization = normalizationOf(settings.preprocessing);
    this.#normalizer = new Normalizer(this.#normalization);
    this.#writer = new PartWriter(settings.preprocessing);
    this.#broken = broken;
  }

  /**
   * The files that could not be used up to now, with `broken: 'skip'`, in the order of `files`. The place of such an
   * image is taken by the next one in `files` that is whole, so that batches stay full and no other image moves.
   */
  get broken(): readonly BrokenFile[] {
    return [...this.#broken]
      .sort(([a], [b]) => a - b)
      .map(([index, reason]) => ({ file: this.files[index]!, reason }));
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
    const dataset = new FolderDataset(this.#images, this.#settings, this.#broken);
    dataset.#augmentation = structuredClone(augmentation);
    dataset.#changes = changes;
    return dataset;
  }

  /**
   * Walks once through the images. The next batches are prepared while one is in use; leaving the loop, or `return` of
   * the iterator, stops that. Images are bytes or floats, as those of an `ImageDataset` of bytes.
   *
   * @throws ArgumentError or ArgumentRangeError at once if an option is wrong; the walk throws FileError naming the
   *   file that is damaged or no image, unless such are skipped
   */
  batches(options: BatchOptions): AsyncIterableIterator<Batch> {
    const { batchSize, shuffle, seed, epoch, dropLast, skip } = checkBatchOptions(options);
    const order = shuffle ? permutation(this.size, seed, epoch) : undefined;
    const augmenter = new Augmenter(this.#changes, seed, epoch);
    const all = dropLast ? Math.floor(this.size / batchSize) : Math.ceil(this.size / batchSize);
    const workOf = (batch: number) => {
      const start = (skip + batch) * batchSize;
      const size = Math.min(batchSize, this.size - start);
      const indices = Array.from({ length: size }, (_, i) => order?.[start + i] ?? start + i);
      return this.#work(start, indices, augmenter);
    };
    return new BatchStream(Math.max(0, all - skip), workOf, {
      ahead: this.#settings.prefetch,
      atOnce: imagesAtOnce,
    });
  }

  /** @internal One image of a batch as RGB bytes. */
  picture(batch: PreparedImages, index: number): Pixels {
    return this.#writer.read(batch, index, this.#normalization);
  }

  #work(start: number, indices: readonly number[], augmenter: Augmenter): BatchWork {
    const length = indices.length * this.#writer.size;
    const images = augmenter.needsFloats ? new Float32Array(length) : new Uint8Array(length);
    const labels = new Int32Array(indices.length);
    return {
      size: indices.length,
      prepare: async (slot) => {
        const index = indices[slot]!;
        const { picture, label } = await this.#wholePicture(index, augmenter);
        this.#write(picture, index, augmenter, images, slot * this.#writer.size);
        labels[slot] = label;
      },
      finish: () => ({
        images,
        labels: augmenter.mix(start, images, labels, this.#writer.shape, this.classes),
        size: indices.length,
        ...(images instanceof Uint8Array && { normalization: this.#normalization }),
      }),
    };
  }

  #write(picture: Pixels, index: number, augmenter: Augmenter, out: Values, offset: number): void {
    const changed = augmenter.change(index, { ...picture, channels: 3 }, 255);
    const { dy, dx, flip } = augmenter.placement(index);
    const crop = { top: dy, left: flip ? -dx : dx, flip };
    if (out instanceof Uint8Array) {
      this.#writer.write(changed, crop, out, offset);
      return;
    }
    const bytes = new Uint8Array(this.#writer.size);
    this.#writer.write(changed, crop, bytes, 0);
    this.#normalizer.write(bytes, out, offset);
    augmenter.hide(index, out, offset, this.#writer.shape);
  }

  /** The image, or the one that takes its place. */
  async #wholePicture(index: number, augmenter: Augmenter): Promise<{ picture: Pixels; label: number }> {
    for (let step = 0; step < this.size; step++) {
      const at = (index + step) % this.size;
      const { path, label } = this.#images[at]!;
      try {
        return { picture: await this.#picture(path, index, augmenter), label };
      } catch (error) {
        if (this.#settings.broken === 'error' || !isBroken(error)) throw error;
        this.#broken.set(at, error.message);
      }
    }
    throw new FileError(this.files[index]!, `expected a whole image, all ${this.size} are broken`);
  }

  /** A file's image in the network's size, changed as that of the index. */
  async #picture(path: string, index: number, augmenter: Augmenter): Promise<Pixels> {
    const { preprocessing, limitPixels } = this.#settings;
    const image = await readImage(path, limitPixels);
    const [height, width] = cropSize(preprocessing);
    const part = augmenter.part(index, image);
    if (part !== undefined) return decodePart(image, part, { width, height }, preprocessing.interpolation);
    return centerOf(await decodeWhole(image), preprocessing);
  }
}

/** Whether a file was read and is no whole image. What the operating system refuses may be there the next time. */
const isBroken = (error: unknown): error is FileError =>
  error instanceof FileError && !isSystemError(error.cause);

/** The part in the centre that a network looks at, exactly as prediction has it. */
async function centerOf(pixels: Pixels, preprocessing: Preprocessing): Promise<Pixels> {
  const [height, width] = cropSize(preprocessing);
  const size = sizeWithShortSide(pixels, preprocessing.resize);
  const { top, left } = cropsOf(size, preprocessing, 'center')[0]!;
  const window = {
    top: Math.max(0, top),
    left: Math.max(0, left),
    height: Math.min(height, size.height),
    width: Math.min(width, size.width),
  };
  const seen = await resizeImage(pixels, size.width, size.height, preprocessing.interpolation, window);
  // Where the part leaves the image it is black.
  return cutOut(seen, { top: Math.min(0, top), left: Math.min(0, left), height, width });
}
