import {
  type Augmentation,
  type CheckedAugmentation,
  checkAugmentation,
  unchanged,
} from './augment/augmentation.ts';
import { Augmenter } from './augment/augmenter.ts';
import { emptyLike } from './augment/picture.ts';
import { resizePart } from './augment/resize_part.ts';
import type { Batch, PreparedImages } from './batch.ts';
import { requireFlag, requireOptions, requireWhole } from './check.ts';
import { checkArrays, type ImageDatasetOptions, normalizationOf } from './dataset_options.ts';
import { type Normalization, Normalizer } from './normalization.ts';
import { placeImage, rgbBytes, type Values } from './pixels.ts';
import { permutation } from './random.ts';

export type { Batch } from './batch.ts';
export type { ImageDatasetOptions } from './dataset_options.ts';

/** Options of {@link ImageDataset.batches}. */
export interface BatchOptions {
  /** Images in a batch. */
  readonly batchSize: number;
  /** Visit the images in a random order; default false. */
  readonly shuffle?: boolean;
  /** Whole number in [0, 2^53-1] that order and augmentation depend on; default 0. */
  readonly seed?: number;
  /** Number of the pass through the data, from 0, that order and augmentation depend on; default 0. */
  readonly epoch?: number;
  /** Leave out a last batch that is not full; default false. */
  readonly dropLast?: boolean;
  /** Batches to leave out at the start, as a run that is resumed asks; default 0. The others stay as they are. */
  readonly skip?: number;
}

/**
 * Checks the options of `batches` and fills in defaults.
 *
 * @throws ArgumentError or ArgumentRangeError
 */
export function checkBatchOptions(options: BatchOptions): Required<BatchOptions> {
  requireOptions('batches', options);
  const { batchSize, shuffle = false, seed = 0, epoch = 0, dropLast = false, skip = 0 } = options;
  requireWhole('batches: batchSize', batchSize, 1, 2 ** 31 - 1);
  requireFlag('batches: shuffle', shuffle);
  requireWhole('batches: seed', seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole('batches: epoch', epoch, 0, 2 ** 32 - 1);
  requireFlag('batches: dropLast', dropLast);
  requireWhole('batches: skip', skip, 0, 2 ** 32 - 1);
  return { batchSize, shuffle, seed, epoch, dropLast, skip };
}

/**
 * Labelled images in memory, handed out in batches.
 *
 * Order and augmentation are pure functions of (seed, epoch, index of the image): the same arguments give the same
 * batches, whatever was read before, so training resumes without replaying anything.
 *
 * @example
 * const data = new ImageDataset({ images, labels, shape: [32, 32, 3], classes: 10 });
 * const train = data.augmented({ flip: true, crop: 4 });
 * for (const batch of train.batches({ batchSize: 128, shuffle: true, seed: 7, epoch: 0 })) step(batch);
 */
export class ImageDataset {
  /** Number of images. */
  readonly size: number;
  /** `[H, W, C]` of one image. */
  readonly shape: readonly [number, number, number];
  /** Number of classes. */
  readonly classes: number;
  readonly #images: Values;
  readonly #labels: Int32Array | Uint8Array;
  readonly #normalization: Normalization;
  readonly #normalizer: Normalizer;
  #augmentation: Augmentation = {};
  #changes: CheckedAugmentation = unchanged;

  /**
   * @throws ArgumentError, ArgumentRangeError or ShapeError if the parts do not fit together or a label is not a class
   */
  constructor(options: ImageDatasetOptions) {
    requireOptions('ImageDataset', options);
    checkArrays(options);
    const { images, labels, shape, classes } = options;
    this.size = labels.length;
    this.shape = [...shape];
    this.classes = classes;
    this.#images = images;
    this.#labels = labels;
    this.#normalization = normalizationOf(options);
    this.#normalizer = new Normalizer(this.#normalization);
  }

  /**
   * Walks once through the data. Every batch has arrays of its own; the last one holds what is left unless
   * `dropLast` is set. Stored bytes stay bytes, which the device normalizes, unless an augmentation needs floats:
   * `cutout`, `randomErasing` and `mixup` do. `floatImages(batch)` gives floats in any case.
   *
   * @throws ArgumentError or ArgumentRangeError at once if an option is wrong
   */
  batches(options: BatchOptions): IterableIterator<Batch> {
    return this.#walk(checkBatchOptions(options));
  }

  /** What stored pixels become: `(pixel * scale - mean) / std`, of each channel its own mean and std. */
  get normalization(): Normalization {
    return this.#normalization;
  }

  /** The random changes that `batches` makes; `{}` unless {@link augmented} gave some. */
  get augmentation(): Augmentation {
    return this.#augmentation;
  }

  /**
   * The same images with random changes in each epoch, in place of those that this dataset has. Shares its memory.
   *
   * Images of three channels are taken for red, green and blue. Floats are taken to be between 0 and 1 after scaling
   * where colours change.
   *
   * @throws ArgumentError or ArgumentRangeError naming the part that is wrong
   * @example
   * await model.fit(train.augmented({ flip: true, crop: 4, mixup: 0.2 }), { epochs: 90, validation: test });
   */
  augmented(augmentation: Augmentation): ImageDataset {
    const changes = checkAugmentation('augmented', augmentation, [this.shape[0], this.shape[1]]);
    return this.#part(0, this.size, structuredClone(augmentation), changes);
  }

  /**
   * The first `count` images.
   *
   * @throws ArgumentError or ArgumentRangeError unless count is a whole number from 1 to `size`
   */
  take(count: number): ImageDataset {
    requireWhole('take: count', count, 1, this.size);
    return this.subset(0, count);
  }

  /**
   * The images from `start` up to but not including `end`, numbered from 0 again. Shares this dataset's memory.
   *
   * @throws ArgumentError or ArgumentRangeError unless 0 <= start < end <= `size`, in whole numbers
   */
  subset(start: number, end: number): ImageDataset {
    requireWhole('subset: start', start, 0, this.size - 1);
    requireWhole('subset: end', end, start + 1, this.size);
    return this.#part(start, end, this.#augmentation, this.#changes);
  }

  /**
   * One image as it is stored, `[H, W, C]` and not normalized, in memory of its own, with its class.
   *
   * @throws ArgumentError or ArgumentRangeError unless index is a whole number from 0 to `size - 1`
   */
  image(index: number): { pixels: Uint8Array | Float32Array; label: number } {
    requireWhole('image: index', index, 0, this.size - 1);
    const pixels = this.shape[0] * this.shape[1] * this.shape[2];
    const stored = this.#images.subarray(index * pixels, (index + 1) * pixels);
    const copy = stored instanceof Uint8Array ? new Uint8Array(stored) : new Float32Array(stored);
    return { pixels: copy, label: this.#labels[index]! };
  }

  /** @internal One image of a batch as RGB bytes; of other than one or three channels the first. */
  picture(batch: PreparedImages, index: number): { data: Uint8Array; width: number; height: number } {
    const [height, width, channels] = this.shape;
    const { normalization } = this;
    const white = this.#images instanceof Uint8Array ? 255 : 1 / normalization.scale;
    const colours = channels === 3 ? ([0, 1, 2] as const) : ([0, 0, 0] as const);
    return { data: rgbBytes(batch, index, this.shape, { normalization, white, colours }), width, height };
  }

  #part(start: number, end: number, augmentation: Augmentation, changes: CheckedAugmentation): ImageDataset {
    const pixels = this.shape[0] * this.shape[1] * this.shape[2];
    const part = new ImageDataset({
      ...this.#normalization,
      images: this.#images.subarray(start * pixels, end * pixels),
      labels: this.#labels.subarray(start, end),
      shape: this.shape,
      classes: this.classes,
    });
    part.#augmentation = augmentation;
    part.#changes = changes;
    return part;
  }

  *#walk({
    batchSize,
    shuffle,
    seed,
    epoch,
    dropLast,
    skip,
  }: Required<BatchOptions>): IterableIterator<Batch> {
    const order = shuffle ? permutation(this.size, seed, epoch) : undefined;
    const augmenter = new Augmenter(this.#changes, seed, epoch);
    const pixels = this.shape[0] * this.shape[1] * this.shape[2];
    const end = dropLast ? this.size - (this.size % batchSize) : this.size;
    const asBytes = this.#images instanceof Uint8Array && !augmenter.needsFloats;
    for (let start = skip * batchSize; start < end; start += batchSize) {
      const size = Math.min(batchSize, end - start);
      const images = asBytes ? new Uint8Array(size * pixels) : new Float32Array(size * pixels);
      const labels = new Int32Array(size);
      for (let i = 0; i < size; i++) {
        const index = order === undefined ? start + i : order[start + i]!;
        this.#write(index, augmenter, images, i * pixels);
        labels[i] = this.#labels[index]!;
      }
      yield {
        images,
        labels: augmenter.mix(start, images, labels, this.shape, this.classes),
        size,
        ...(asBytes && { normalization: this.#normalization }),
      };
    }
  }

  #write(index: number, augmenter: Augmenter, out: Values, offset: number): void {
    const [height, width, channels] = this.shape;
    const pixels = height * width * channels;
    const data = this.#images.subarray(index * pixels, (index + 1) * pixels);
    const whole = { data, height, width, channels };
    const part = augmenter.part(index, whole);
    const picture = part === undefined ? whole : resizePart(whole, part, height, width);
    const white = data instanceof Uint8Array ? 255 : 1 / this.#normalization.scale;
    const changed = augmenter.change(index, picture, white);
    const placement = augmenter.placement(index);
    if (out instanceof Uint8Array) {
      placeImage(changed, placement, out, offset);
      return;
    }
    const placed = emptyLike(changed, height, width).data;
    placeImage(changed, placement, placed, 0);
    this.#normalizer.write(placed, out, offset);
    augmenter.hide(index, out, offset, this.shape);
  }
}
