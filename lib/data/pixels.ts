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
 * Copies single images [H, W, C] out of a stored array [N, H, W, C], normalized to float32. Pixels outside the
 * image are 0 before normalization.
 */
export class PixelReader {
  readonly #images: Uint8Array | Float32Array;
  readonly #height: number;
  readonly #width: number;
  readonly #channels: number;
  readonly #normalization: Normalization;
  /** The images if they are bytes. */
  readonly #bytes: Uint8Array | undefined;
  /** What a pixel outside the image becomes, for each channel. */
  readonly #padding: Float32Array;
  /** The normalized value of every byte, for each channel of byte images. */
  readonly #tables: Float32Array[];

  constructor(
    images: Uint8Array | Float32Array,
    shape: readonly [number, number, number],
    normalization: Normalization,
  ) {
    this.#images = images;
    this.#bytes = images instanceof Uint8Array ? images : undefined;
    [this.#height, this.#width, this.#channels] = shape;
    this.#normalization = normalization;
    const { scale, mean, std } = normalization;
    const tables = this.#bytes === undefined ? 0 : mean.length;
    const normalized = (pixel: number, c: number) => (pixel * scale - mean[c]!) / std[c]!;
    this.#padding = Float32Array.from(mean, (_, c) => normalized(0, c));
    this.#tables = Array.from({ length: tables }, (_, c) =>
      Float32Array.from({ length: 256 }, (_, byte) => normalized(byte, c)),
    );
  }

  /** Writes image `index` to `out`, from element `offset` on. */
  copy(index: number, placement: Placement, out: Float32Array, offset: number): void {
    const { dy, dx, flip } = placement;
    const height = this.#height;
    const width = this.#width;
    const channels = this.#channels;
    const image = index * height * width;
    if (dy === 0 && dx === 0 && !flip) {
      this.#copyRun(image * channels, channels, out, offset, height * width);
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
      const source = (image + sourceY * width + column) * channels;
      this.#copyRun(source, flip ? -channels : channels, out, row + first * channels, last - first);
      this.#pad(out, row, last, width);
    }
  }

  /** Copies `count` pixels, walking through the source by `step` elements. */
  #copyRun(source: number, step: number, out: Float32Array, target: number, count: number): void {
    const channels = this.#channels;
    const end = target + count * channels;
    for (let c = 0; c < channels; c++) {
      if (this.#bytes === undefined) this.#copyFloats(c, source + c, step, out, target + c, end);
      else this.#copyBytes(this.#bytes, c, source + c, step, out, target + c, end);
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
    const table = this.#tables[channel]!;
    const channels = this.#channels;
    for (let from = source, to = target; to < end; from += step, to += channels)
      out[to] = table[bytes[from]!]!;
  }

  #copyFloats(channel: number, source: number, step: number, out: Float32Array, target: number, end: number) {
    const images = this.#images;
    const channels = this.#channels;
    const { scale } = this.#normalization;
    const mean = this.#normalization.mean[channel]!;
    const std = this.#normalization.std[channel]!;
    for (let from = source, to = target; to < end; from += step, to += channels) {
      out[to] = (images[from]! * scale - mean) / std;
    }
  }

  #pad(out: Float32Array, row: number, first: number, last: number): void {
    const channels = this.#channels;
    for (let i = first * channels; i < last * channels; i++) out[row + i] = this.#padding[i % channels]!;
  }
}
