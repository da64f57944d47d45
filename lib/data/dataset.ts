import { requireFlag, requireOptions, requireWhole } from './check.ts';
import { checkArrays, type ImageDatasetOptions, normalizationOf } from './dataset_options.ts';
import { type Normalization, PixelReader, type Placement, unmoved } from './pixels.ts';
import { below, permutation, philox4x32, randomUse, seedKey } from './random.ts';

export type { ImageDatasetOptions } from './dataset_options.ts';

/** Images and labels for one step. */
export interface Batch {
  /** `[size, H, W, C]`, normalized. */
  readonly images: Float32Array;
  /** Class indices `[size]` (`Int32Array`), or soft targets `[size, classes]` (`Float32Array`). */
  readonly labels: Int32Array | Float32Array;
  /** Number of images. */
  readonly size: number;
}

/** Random changes to training images. */
export interface Augmentation {
  /** Mirror every second image, on average, left and right; default false. */
  readonly flip?: boolean;
  /** Pad by this many black pixels on each side and cut the original size at a random place; default 0. */
  readonly crop?: number;
}

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
  /** Random changes; default none. */
  readonly augment?: Augmentation;
}

/**
 * Labelled images in memory, handed out in normalized batches.
 *
 * Order and augmentation are pure functions of (seed, epoch, index of the image): the same arguments give the same
 * batches, whatever was read before, so training resumes without replaying anything.
 *
 * @example
 * const data = new ImageDataset({ images, labels, shape: [32, 32, 3], classes: 10 });
 * for (const batch of data.batches({ batchSize: 128, shuffle: true, seed: 7, epoch: 0 })) step(batch);
 */
export class ImageDataset {
  /** Number of images. */
  readonly size: number;
  /** `[H, W, C]` of one image. */
  readonly shape: readonly [number, number, number];
  /** Number of classes. */
  readonly classes: number;
  readonly #images: Uint8Array | Float32Array;
  readonly #labels: Int32Array | Uint8Array;
  readonly #normalization: Normalization;
  readonly #reader: PixelReader;

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
    this.#reader = new PixelReader(images, this.shape, this.#normalization);
  }

  /**
   * Walks once through the data. Every batch has arrays of its own; the last one holds what is left unless
   * `dropLast` is set.
   *
   * @throws ArgumentError or ArgumentRangeError at once if an option is wrong
   */
  batches(options: BatchOptions): IterableIterator<Batch> {
    requireOptions('batches', options);
    const {
      batchSize,
      shuffle = false,
      seed = 0,
      epoch = 0,
      dropLast = false,
      skip = 0,
      augment = {},
    } = options;
    requireWhole('batches: batchSize', batchSize, 1, 2 ** 31 - 1);
    requireFlag('batches: shuffle', shuffle);
    requireWhole('batches: seed', seed, 0, Number.MAX_SAFE_INTEGER);
    requireWhole('batches: epoch', epoch, 0, 2 ** 32 - 1);
    requireFlag('batches: dropLast', dropLast);
    requireWhole('batches: skip', skip, 0, 2 ** 32 - 1);
    requireOptions('batches: augment', augment);
    const { flip = false, crop = 0 } = augment;
    requireFlag('batches: augment.flip', flip);
    requireWhole('batches: augment.crop', crop, 0, Math.min(this.shape[0], this.shape[1]));
    return this.#walk({ batchSize, shuffle, seed, epoch, dropLast, skip, augment: { flip, crop } });
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
    const pixels = this.shape[0] * this.shape[1] * this.shape[2];
    return new ImageDataset({
      ...this.#normalization,
      images: this.#images.subarray(start * pixels, end * pixels),
      labels: this.#labels.subarray(start, end),
      shape: this.shape,
      classes: this.classes,
    });
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

  *#walk(options: Required<BatchOptions>): IterableIterator<Batch> {
    const { batchSize, seed, epoch } = options;
    const order = options.shuffle ? permutation(this.size, seed, epoch) : undefined;
    const place = placements(seed, epoch, options.augment);
    const pixels = this.shape[0] * this.shape[1] * this.shape[2];
    const end = options.dropLast ? this.size - (this.size % batchSize) : this.size;
    for (let start = options.skip * batchSize; start < end; start += batchSize) {
      const size = Math.min(batchSize, end - start);
      const images = new Float32Array(size * pixels);
      const labels = new Int32Array(size);
      for (let i = 0; i < size; i++) {
        const index = order === undefined ? start + i : order[start + i]!;
        this.#reader.copy(index, place(index), images, i * pixels);
        labels[i] = this.#labels[index]!;
      }
      yield { images, labels, size };
    }
  }
}

/** The random placement of each image: words 0 to 2 of counter [index, epoch, use, 0] are flip, row and column. */
function placements(
  seed: number,
  epoch: number,
  { flip = false, crop = 0 }: Augmentation,
): (index: number) => Placement {
  if (!flip && crop === 0) return () => unmoved;
  const key = seedKey(seed);
  return (index) => {
    const [flipWord, rowWord, columnWord] = philox4x32([index, epoch, randomUse.augment, 0], key);
    return {
      flip: flip && below(flipWord, 2) === 1,
      dy: below(rowWord, 2 * crop + 1) - crop,
      dx: below(columnWord, 2 * crop + 1) - crop,
    };
  };
}
