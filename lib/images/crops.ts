/** Cuts parts out of an image and normalises them to a network's input. */
import type { Picture } from '../data/augment/picture.ts';
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
  readonly #preprocessing: Preprocessing;

  constructor(preprocessing: Preprocessing) {
    this.#preprocessing = preprocessing;
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
    const width = this.#width;
    const channels = this.#channels;
    // Columns [first, last) of the part lie inside the image, those of a mirrored one counted from its right.
    const first = Math.min(width, Math.max(0, -left));
    const last = Math.max(first, Math.min(width, image.width - left));
    const start = flip ? width - 1 - first : first;
    const step = flip ? -channels : channels;
    const inside = last - first === width && top >= 0 && top + this.#height <= image.height;
    if (!inside) this.#blacken(out, offset);
    for (let y = Math.max(0, -top); y < Math.min(this.#height, image.height - top); y++) {
      const from = ((top + y) * image.width + left + first) * 3;
      const to = offset + (y * width + start) * channels;
      if (channels === 3) this.#writeColours(image.data, from, last - first, out, to, step);
      else this.#writeBrightness(image.data, from, last - first, out, to, step);
    }
  }

  /** RGB bytes of a part that {@link write} wrote. */
  read(values: Float32Array, offset: number): Pixels {
    const { mean, std, range } = this.#preprocessing;
    const data = new Uint8ClampedArray(this.#height * this.#width * 3);
    for (let i = 0; i < data.length; i++) {
      const channel = this.#channels === 3 ? this.#order[i % 3]! : 0;
      const value = values[offset + Math.floor(i / 3) * this.#channels + channel]!;
      data[i] = ((value * std[channel]! + mean[channel]!) * 255) / range;
    }
    return { data: new Uint8Array(data.buffer), width: this.#width, height: this.#height };
  }

  #blacken(out: Float32Array, offset: number): void {
    for (const [c, table] of this.#tables.entries())
      for (let i = offset + c; i < offset + this.size; i += this.#channels) out[i] = table[0]!;
  }

  #writeColours(
    data: Picture['data'],
    from: number,
    count: number,
    out: Float32Array,
    to: number,
    step: number,
  ): void {
    const [first, second, third] = this.#tables as readonly [Float32Array, Float32Array, Float32Array];
    const [a, b, c] = this.#order as readonly [number, number, number];
    for (let at = to, pixel = from; pixel < from + 3 * count; pixel += 3, at += step) {
      out[at] = first[data[pixel + a]!]!;
      out[at + 1] = second[data[pixel + b]!]!;
      out[at + 2] = third[data[pixel + c]!]!;
    }
  }

  #writeBrightness(
    data: Picture['data'],
    from: number,
    count: number,
    out: Float32Array,
    to: number,
    step: number,
  ): void {
    const [table] = this.#tables as readonly [Float32Array];
    for (let at = to, pixel = from; pixel < from + 3 * count; pixel += 3, at += step)
      out[at] = table[brightness(data[pixel]!, data[pixel + 1]!, data[pixel + 2]!)]!;
  }
}
