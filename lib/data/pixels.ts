/** Images into batches, in their own kind of values, and out again. */
import type { Picture } from './augment/picture.ts';
import type { PreparedImages } from './batch.ts';
import type { Normalization } from './normalization.ts';

/** Where an image is cut from: row y, column x of the result is row y + dy, column x + dx of the (flipped) image. */
export interface Placement {
  readonly dy: number;
  readonly dx: number;
  /** Mirror left and right before shifting. */
  readonly flip: boolean;
}

/** The image as it is. */
export const unmoved: Placement = { dy: 0, dx: 0, flip: false };

/** Bytes, or floats. */
export type Values = Uint8Array | Float32Array;

/** Copies an image to zeros of the same size, which stay where it leaves them, from element `offset` on. */
export function placeImage(
  { data, height, width, channels }: Picture,
  { dy, dx, flip }: Placement,
  out: Values,
  offset: number,
): void {
  if (dy === 0 && dx === 0 && !flip) {
    out.set(data, offset);
    return;
  }
  // Columns [first, last) of the result lie inside the image.
  const first = Math.max(0, -dx);
  const last = Math.min(width, width - dx);
  const column = flip ? width - 1 - (first + dx) : first + dx;
  for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
    const from = ((y + dy) * width + column) * channels;
    const to = offset + (y * width + first) * channels;
    if (flip) copyMirrored(data, from, channels, last - first, out, to);
    else out.set(data.subarray(from, from + (last - first) * channels), to);
  }
}

/** Copies pixels, walking backwards through the source. */
function copyMirrored(
  source: Values,
  start: number,
  channels: number,
  count: number,
  out: Values,
  target: number,
): void {
  for (let c = 0; c < channels; c++) {
    for (let from = start + c, to = target + c, i = 0; i < count; i++, from -= channels, to += channels)
      out[to] = source[from]!;
  }
}

/** How values of a batch were made. */
interface Making {
  readonly normalization: Normalization;
  /** The largest value before normalization. */
  readonly white: number;
  /** Which channels are red, green and blue. */
  readonly colours: readonly [red: number, green: number, blue: number];
}

/** One image of a batch `[height, width, channels]` as RGB bytes. */
export function rgbBytes(
  { images }: PreparedImages,
  index: number,
  [height, width, channels]: readonly [number, number, number],
  { normalization: { scale, mean, std }, white, colours }: Making,
): Uint8Array {
  const data = new Uint8ClampedArray(height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const channel = colours[i % 3]!;
    const value = images[(index * height * width + Math.floor(i / 3)) * channels + channel]!;
    const isByte = images instanceof Uint8Array;
    data[i] = isByte ? value : (((value * std[channel]! + mean[channel]!) / scale) * 255) / white;
  }
  return new Uint8Array(data.buffer);
}
