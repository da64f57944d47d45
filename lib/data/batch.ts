/** Batches: what datasets hand out and models are trained with. */
import { ArgumentError, ShapeError } from '../errors.ts';
import { checkNormalization, type Normalization, Normalizer } from './normalization.ts';

/** Images as a network gets them. */
export interface PreparedImages {
  /** `[size, H, W, C]`: normalized, or bytes that the device normalizes. */
  readonly images: Float32Array | Uint8Array;
  /** What the bytes stand for; none with floats. */
  readonly normalization?: Normalization;
}

/** Images and labels for one step. */
export interface Batch extends PreparedImages {
  /** Class indices `[size]` (`Int32Array`), or soft targets `[size, classes]` (`Float32Array`). */
  readonly labels: Int32Array | Float32Array;
  /** Number of images. */
  readonly size: number;
}

/**
 * The images of a batch in floats, `[size, H, W, C]`: its own, or what its bytes stand for, to the bit as a device
 * computes it.
 *
 * @throws ArgumentError or ArgumentRangeError if there are bytes without a fitting normalization
 * @example
 * for (const batch of test.batches({ batchSize: 32 })) await model.predict(floatImages(batch));
 */
export function floatImages({ images, normalization }: PreparedImages): Float32Array {
  if (images instanceof Float32Array) return images;
  const label = 'floatImages: normalization';
  const channels = normalization?.mean.length ?? 0;
  const checked = checkNormalization(label, normalization, channels);
  if (channels === 0 || images.length % channels !== 0)
    throw new ShapeError(`${label}: expected one for the channels of the images, received ${channels}`);
  const values = new Float32Array(images.length);
  new Normalizer(checked).write(images, values, 0);
  return values;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Checks a batch against the model's input and classes; returns it. */
export function checkBatch(
  name: string,
  batch: unknown,
  input: readonly [number, number, number],
  classes: number,
): Batch {
  if (!isObject(batch)) throw new ArgumentError(`${name}: expected a batch { images, labels, size }`);
  const { images, labels, size, normalization } = batch as Partial<Batch>;
  if (!(images instanceof Float32Array) && !(images instanceof Uint8Array))
    throw new ArgumentError(`${name}: images: expected a Float32Array, or a Uint8Array with a normalization`);
  if (!(labels instanceof Int32Array) && !(labels instanceof Float32Array)) {
    throw new ArgumentError(
      `${name}: labels: expected an Int32Array of classes or a Float32Array of distributions`,
    );
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 1) {
    throw new ArgumentError(`${name}: size: expected an integer of at least 1, received ${String(size)}`);
  }
  const pixels = input[0] * input[1] * input[2];
  if (images.length !== size * pixels) {
    throw new ShapeError(
      `${name}: images: expected ${size * pixels} values (${size}x${input.join('x')}), received ${images.length}`,
    );
  }
  const wanted = labels instanceof Int32Array ? size : size * classes;
  if (labels.length !== wanted) {
    throw new ShapeError(
      `${name}: labels: expected ${wanted} values for ${size} samples, received ${labels.length}`,
    );
  }
  if (images instanceof Uint8Array) {
    const checked = checkNormalization(`${name}: normalization`, normalization, input[2]);
    return { images, labels, size, normalization: checked };
  }
  if (normalization !== undefined)
    throw new ArgumentError(`${name}: normalization: expected none, as the images are floats`);
  return { images, labels, size };
}
