/** What an image can be given as, and what it is once decoded. */
import type { Box } from '../data/augment/picture.ts';
import { ArgumentError, ArgumentRangeError } from '../errors.ts';

/** Pixels that are decoded already, row by row, as a canvas, a camera or sharp's `raw()` hands them out. */
export interface RawImage {
  /** `[height, width, channels]`, bytes. Must not change until the promise it was given to settles. */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
}

/**
 * An image: the name of a file, the bytes of an encoded file, or raw pixels. Files may be JPEG, PNG, WebP, GIF (first
 * frame), TIFF (first page) or AVIF.
 */
export type ImageSource = string | Uint8Array | RawImage;

/** A decoded image, upright, RGB. */
export interface Pixels {
  /** `[height, width, 3]` */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A part of an image, black where it leaves the image. */
export function cutOut(image: Pixels, { top, left, height, width }: Box): Pixels {
  const data = new Uint8Array(width * height * 3);
  const first = Math.max(0, left);
  const last = Math.min(image.width, left + width);
  for (let y = Math.max(0, top); y < Math.min(image.height, top + height); y++) {
    const row = image.data.subarray((y * image.width + first) * 3, (y * image.width + last) * 3);
    data.set(row, ((y - top) * width + first - left) * 3);
  }
  return { data, width, height };
}

/**
 * Default of `limitPixels`: width × height × channels, 89 megapixels in RGB. A decoded image takes that many bytes.
 */
export const defaultLimitPixels = 2 ** 28;

/** The longest side of raw pixels. */
const maxSide = 2 ** 24;

export const isRawImage = (source: unknown): source is RawImage =>
  typeof source === 'object' && source !== null && 'data' in source;

/** Checks the kind of an image and, of raw pixels, the sizes; encoded ones are looked at when they are read. */
export function checkImageSource(label: string, source: unknown): asserts source is ImageSource {
  if (typeof source === 'string') {
    if (source !== '' && !source.includes('\0')) return;
    throw new ArgumentRangeError(
      `${label}: expected the name of a file, received ${source === '' ? "''" : 'a string with a NUL'}`,
    );
  }
  if (source instanceof Uint8Array) return;
  if (!isRawImage(source)) {
    throw new ArgumentError(
      `${label}: expected a file name, the bytes of an image file or { data, width, height, channels }, received ${
        source === null ? 'null' : typeof source
      }`,
    );
  }
  const { data, width, height, channels } = source;
  if (!(data instanceof Uint8Array) && !(data instanceof Uint8ClampedArray)) {
    throw new ArgumentError(`${label}: data: expected a Uint8Array, received ${typeof data}`);
  }
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 1 || value > maxSide) {
      throw new ArgumentRangeError(
        `${label}: ${name}: expected a whole number from 1 to ${maxSide}, received ${String(value)}`,
      );
    }
  }
  if (![1, 2, 3, 4].includes(channels)) {
    throw new ArgumentRangeError(`${label}: channels: expected 1, 2, 3 or 4, received ${String(channels)}`);
  }
  if (data.length !== width * height * channels) {
    throw new ArgumentRangeError(
      `${label}: data: expected ${height} x ${width} x ${channels} = ${height * width * channels} bytes, received ${data.length}`,
    );
  }
}
