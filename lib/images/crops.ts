/** Cuts parts out of an image for a network's input. */
import type { Picture } from '../data/augment/picture.ts';
import type { PreparedImages } from '../data/batch.ts';
import type { Normalization } from '../data/normalization.ts';
import { rgbBytes, type Values } from '../data/pixels.ts';
import type { Pixels } from './image.ts';
import { cropSize, type Preprocessing } from './preprocessing.ts';

/** A part of an image. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  /** Mirrored left and right. */
  readonly flip: boolean;
}

/** An image of bytes. */
type RgbImage = Omit<Picture, 'channels'>;

/** Rounds halves to even, as torchvision's centre crop does. */
function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The parts of an image to look at: its centre, or ten: centre and four corners, each also mirrored, as in the paper's
 * evaluation with several crops.
 */
export function cropsOf(
  { width, height }: { width: number; height: number },
  preprocessing: Preprocessing,
  kind: 'center' | 'ten',
): Crop[] {
  const [cropHeight, cropWidth] = cropSize(preprocessing);
  const bottom = height - cropHeight;
  const right = width - cropWidth;
  const center = { top: roundEven(bottom / 2), left: roundEven(right / 2), flip: false };
  if (kind === 'center') return [center];
  const corners = [0, bottom].flatMap((top) => [0, right].map((left) => ({ top, left, flip: false })));
  const five = [...corners, center];
  // Of the mirrored image, whose centre may be one pixel off.
  return [...five, ...five.map(({ top, left }) => ({ top, left: right - left, flip: true }))];
}

/** ITU-R 601 brightness in 16-bit fixed point, as Pillow's mode L. */
const brightness = (red: number, green: number, blue: number): number =>
  (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/** What the bytes of a network's input stand for. */
export const normalizationOf = ({ mean, std, range }: Preprocessing): Normalization => ({
  scale: range / 255,
  mean,
  std,
});

/** Writes parts of images as a network's input in bytes; one for all images of a call. */
export class PartWriter {
  /** `[height, width, channels]` of one part. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** Which of red, green and blue each channel of the network is. */
  readonly #order: readonly [number, number, number];

  constructor(preprocessing: Preprocessing) {
    this.shape = [...cropSize(preprocessing), preprocessing.mean.length];
    this.#order = preprocessing.order === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  }

  /** Bytes of one part. */
  get size(): number {
    const [height, width, channels] = this.shape;
    return height * width * channels;
  }

  /** Writes a part of an RGB image to zeros, from element `offset` on. Outside the image they stay. */
  write(image: RgbImage, { top, left, flip }: Crop, out: Uint8Array, offset: number): void {
    const [height, width, channels] = this.shape;
    // Columns [first, last) of the part lie inside the image, those of a mirrored one counted from its right.
    const first = Math.min(width, Math.max(0, -left));
    const last = Math.max(first, Math.min(width, image.width - left));
    const start = flip ? width - 1 - first : first;
    const step = flip ? -channels : channels;
    for (let y = Math.max(0, -top); y < Math.min(height, image.height - top); y++) {
      const from = ((top + y) * image.width + left + first) * 3;
      const row = image.data.subarray(from, from + 3 * (last - first));
      const to = offset + (y * width + start) * channels;
      if (channels === 1) writeBrightness(row, out, to, step);
      else if (flip || this.#order[0] !== 0) this.#writeColours(row, out, to, step);
      else out.set(row, to);
    }
  }

  /** One part of a batch as RGB bytes. */
  read(batch: PreparedImages, index: number, normalization: Normalization): Pixels {
    const [height, width, channels] = this.shape;
    const colours = channels === 3 ? this.#order : ([0, 0, 0] as const);
    const data = rgbBytes(batch, index, this.shape, { normalization, white: 255, colours });
    return { data, width, height };
  }

  #writeColours(row: Values, out: Uint8Array, to: number, step: number): void {
    const [a, b, c] = this.#order;
    for (let at = to, pixel = 0; pixel < row.length; pixel += 3, at += step) {
      out[at] = row[pixel + a]!;
      out[at + 1] = row[pixel + b]!;
      out[at + 2] = row[pixel + c]!;
    }
  }
}

function writeBrightness(row: Values, out: Uint8Array, to: number, step: number): void {
  for (let at = to, pixel = 0; pixel < row.length; pixel += 3, at += step)
    out[at] = brightness(row[pixel]!, row[pixel + 1]!, row[pixel + 2]!);
}
