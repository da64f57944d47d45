/** Cuts parts out of an image and normalises them to a network's input. */
import type { Box, Picture } from '../data/augment/picture.ts';
import type { Pixels } from './image.ts';
import { cropSize, type Preprocessing } from './preprocessing.ts';

/** A part of an image. */
export interface Crop {
  readonly top: number;
  readonly left: number;
  /** Mirrored left and right. */
  readonly flip: boolean;
}

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

/** ITU-R 601 brightness in 16-bit fixed point, as Pillow's mode L. */
const brightness = (red: number, green: number, blue: number): number =>
  (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/** Writes parts of images as network input; one for all images of a call. */
export class Normalizer {
  readonly #height: number;
  readonly #width: number;
  readonly #channels: number;
  /** Which of red, green and blue each channel of the network is. */
  readonly #order: readonly number[];
  /** The normalised value of every byte, for each channel of the network. */
  readonly #tables: readonly Float32Array[];

  constructor(preprocessing: Preprocessing) {
    const { mean, std, order, range } = preprocessing;
    [this.#height, this.#width] = cropSize(preprocessing);
    this.#channels = mean.length;
    this.#order = order === 'rgb' ? [0, 1, 2] : [2, 1, 0];
    this.#tables = mean.map((shift, c) =>
      Float32Array.from({ length: 256 }, (_, byte) => ((byte * range) / 255 - shift) / std[c]!),
    );
  }

  /** `[height, width, channels]` of one part. */
  get shape(): readonly [number, number, number] {
    return [this.#height, this.#width, this.#channels];
  }

  /** Values of one part. */
  get size(): number {
    return this.#height * this.#width * this.#channels;
  }

  /**
   * Writes `[height, width, channels]` of a part of an RGB image of bytes to `out`, from element `offset` on. Outside
   * the image is black.
   */
  write(
    image: Omit<Picture, 'channels'>,
    { top, left, flip }: Crop,
    out: Float32Array,
    offset: number,
  ): void {
    const rowLength = this.#width * this.#channels;
    for (let c = 0; c < this.#channels; c++) {
      const table = this.#tables[c]!;
      const part = this.#order[c]!;
      for (let y = 0; y < this.#height; y++) {
        const row = top + y;
        let to = offset + y * rowLength + c;
        const inside = row >= 0 && row < image.height;
        for (let x = 0; x < this.#width; x++, to += this.#channels) {
          const column = left + (flip ? this.#width - 1 - x : x);
          const from = (row * image.width + column) * 3;
          const seen = inside && column >= 0 && column < image.width;
          out[to] = table[seen ? this.#byte(image.data, from, part) : 0]!;
        }
      }
    }
  }

  #byte(data: Picture['data'], from: number, part: number): number {
    if (this.#channels === 3) return data[from + part]!;
    return brightness(data[from]!, data[from + 1]!, data[from + 2]!);
  }
}
