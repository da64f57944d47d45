/** How stored pixel values become network input: `(pixel * scale - mean[c]) / std[c]`. */
export interface Normalization {
  readonly scale: number;
  /** One per channel. */
  readonly mean: readonly number[];
  /** One per channel. */
  readonly std: readonly number[];
}

/** Where an image is cut from: row y, column x of the result is row y + dy, column x + dx of the (flipped) image. */
export interface Placement {
  readonly dy: number;
  readonly dx: number;
  /** Mirror left and right before shifting. */
  readonly flip: boolean;
}

/** The image as it is. */
export const unmoved: Placement = { dy: 0, dx: 0, flip: false };

/**
 * Copies images [H, W, C] of one size and kind, bytes or floats, normalized to float32. Pixels outside the image are 0
 * before normalization.
 */
export class PixelReader {
  readonly #height: number;
  readonly #width: number;
  readonly #channels: number;
  readonly #normalization: Normalization;
  /** What a pixel outside the image becomes, for each channel. */
  readonly #padding: Float32Array;
  /** The normalized value of every byte, for each channel that was asked for. */
  readonly #tables: Float32Array[] = [];

  constructor(shape: readonly [number, number, number], normalization: Normalization) {
    [this.#height, this.#width, this.#channels] = shape;
    this.#normalization = normalization;
    const { scale, mean, std } = normalization;
    this.#padding = Float32Array.from(mean, (shift, c) => (0 * scale - shift) / std[c]!);
  }

  /** Writes the image that starts at element `image` of `pixels` to `out`, from element `offset` on. */
  copy(
    pixels: Uint8Array | Float32Array,
    image: number,
    placement: Placement,
    out: Float32Array,
    offset: number,
  ): void {
    const { dy, dx, flip } = placement;
    const height = this.#height;
    const width = this.#width;
    const channels = this.#channels;
    if (dy === 0 && dx === 0 && !flip) {
      this.#copyRun(pixels, image, channels, out, offset, height * width);
      return;
    }
    // Columns [first, last) of the result lie inside the image.
    const first = Math.max(0, -dx);
    const last = Math.min(width, width - dx);
    const column = flip ? width - 1 - (first + dx) : first + dx;
    for (let y = 0; y < height; y++) {
      const row = offset + y * width * channels;
      const sourceY = y + dy;
      if (sourceY < 0 || sourceY >= height) {
        this.#pad(out, row, 0, width);
        continue;
      }
      this.#pad(out, row, 0, first);
      const source = image + (sourceY * width + column) * channels;
      this.#copyRun(pixels, source, flip ? -channels : channels, out, row + first * channels, last - first);
      this.#pad(out, row, last, width);
    }
  }

  /** The value before normalization of one that {@link copy} wrote for a channel. */
  original(value: number, channel: number): number {
    const { scale, mean, std } = this.#normalization;
    return (value * std[channel]! + mean[channel]!) / scale;
  }

  /** Copies `count` pixels, walking through the source by `step` elements. */
  #copyRun(
    pixels: Uint8Array | Float32Array,
    source: number,
    step: number,
    out: Float32Array,
    target: number,
    count: number,
  ): void {
    const channels = this.#channels;
    const end = target + count * channels;
    for (let c = 0; c < channels; c++) {
      if (pixels instanceof Uint8Array) this.#copyBytes(pixels, c, source + c, step, out, target + c, end);
      else this.#copyFloats(pixels, c, source + c, step, out, target + c, end);
    }
  }

  #copyBytes(
    bytes: Uint8Array,
    channel: number,
    source: number,
    step: number,
    out: Float32Array,
    target: number,
    end: number,
  ): void {
    const table = this.#tableOf(channel);
    const channels = this.#channels;
    for (let from = source, to = target; to < end; from += step, to += channels)
      out[to] = table[bytes[from]!]!;
  }

  #tableOf(channel: number): Float32Array {
    const { scale, mean, std } = this.#normalization;
    this.#tables[channel] ??= Float32Array.from(
      { length: 256 },
      (_, byte) => (byte * scale - mean[channel]!) / std[channel]!,
    );
    return this.#tables[channel];
  }

  #copyFloats(
    floats: Float32Array,
    channel: number,
    source: number,
    step: number,
    out: Float32Array,
    target: number,
    end: number,
  ): void {
    const channels = this.#channels;
    const { scale } = this.#normalization;
    const mean = this.#normalization.mean[channel]!;
    const std = this.#normalization.std[channel]!;
    for (let from = source, to = target; to < end; from += step, to += channels) {
      out[to] = (floats[from]! * scale - mean) / std;
    }
  }

  #pad(out: Float32Array, row: number, first: number, last: number): void {
    const channels = this.#channels;
    for (let i = first * channels; i < last * channels; i++) out[row + i] = this.#padding[i % channels]!;
  }
}
