import { ArgumentError, ShapeError } from '../errors.ts';
import { requireWhole } from './check.ts';
import { checkNormalization, type Normalization } from './normalization.ts';

/** Largest height, width and number of channels of an image. */
export const maxImageSide = 65535;

/** What an {@link ImageDataset} is made of. */
export interface ImageDatasetOptions {
  /** Pixels `[N, H, W, C]`. Kept, not copied: do not change them afterwards. */
  readonly images: Uint8Array | Float32Array;
  /** Class indices `[N]`, from 0 to classes - 1. Kept, not copied. */
  readonly labels: Int32Array | Uint8Array;
  /** `[H, W, C]` of one image. */
  readonly shape: readonly [number, number, number];
  /** Number of classes. */
  readonly classes: number;
  /** Subtracted from each channel after scaling; default 0. */
  readonly mean?: readonly number[];
  /** Divides each channel after the mean was subtracted; default 1. */
  readonly std?: readonly number[];
  /** Multiplies each pixel first; default 1/255 for bytes and 1 for floats. */
  readonly scale?: number;
}

/** Checks kinds, sizes and labels. */
export function checkArrays({ images, labels, shape, classes }: ImageDatasetOptions): void {
  if (!(images instanceof Uint8Array) && !(images instanceof Float32Array)) {
    throw new ArgumentError(
      `ImageDataset: images: expected a Uint8Array or Float32Array, received ${typeof images}`,
    );
  }
  if (!(labels instanceof Int32Array) && !(labels instanceof Uint8Array)) {
    throw new ArgumentError(
      `ImageDataset: labels: expected an Int32Array or Uint8Array, received ${typeof labels}`,
    );
  }
  if (!Array.isArray(shape) || shape.length !== 3) {
    throw new ArgumentError(`ImageDataset: shape: expected [H, W, C], received ${String(shape)}`);
  }
  for (const [i, size] of shape.entries()) requireWhole(`ImageDataset: shape[${i}]`, size, 1, maxImageSide);
  const pixels = shape[0] * shape[1] * shape[2];
  if (labels.length === 0 || images.length !== labels.length * pixels) {
    throw new ShapeError(
      `ImageDataset: expected at least one label and ${labels.length} x ${shape.join(' x ')} pixels, received ${images.length} pixels`,
    );
  }
  requireWhole('ImageDataset: classes', classes, 1, 2 ** 31 - 1);
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) requireWhole(`ImageDataset: labels[${wrong}]`, labels[wrong], 0, classes - 1);
}

/** The normalization that the options ask for, defaults filled in. */
export function normalizationOf({ images, shape, mean, std, scale }: ImageDatasetOptions): Normalization {
  const filled = {
    scale: scale ?? (images instanceof Uint8Array ? 1 / 255 : 1),
    mean: mean ?? new Array<number>(shape[2]).fill(0),
    std: std ?? new Array<number>(shape[2]).fill(1),
  };
  return checkNormalization('ImageDataset', filled, shape[2]);
}
