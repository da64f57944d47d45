/** How stored pixel values become network input. */
import { ArgumentError, ArgumentRangeError } from '../errors.ts';

/** How stored pixel values become network input: `(pixel * scale - mean[c]) / std[c]`. */
export interface Normalization {
  readonly scale: number;
  /** One per channel. */
  readonly mean: readonly number[];
  /** One per channel. */
  readonly std: readonly number[];
}

/**
 * Checks a normalization of images of so many channels; returns a copy.
 *
 * @throws ArgumentError or ArgumentRangeError naming the part that is wrong
 */
export function checkNormalization(label: string, value: unknown, channels: number): Normalization {
  if (typeof value !== 'object' || value === null)
    throw new ArgumentError(`${label}: expected { scale, mean, std }, received ${String(value)}`);
  const { scale, mean, std } = value as Partial<Normalization>;
  if (typeof scale !== 'number' || !Number.isFinite(scale))
    throw new ArgumentRangeError(`${label}: scale: expected a finite number, received ${String(scale)}`);
  const checked = {
    scale,
    mean: perChannel(`${label}: mean`, mean, channels),
    std: perChannel(`${label}: std`, std, channels),
  };
  if (checked.std.some((one) => one <= 0)) {
    throw new ArgumentRangeError(
      `${label}: std: expected positive numbers, received ${checked.std.join(', ')}`,
    );
  }
  const reach = [0, 255].flatMap((byte) =>
    checked.mean.map((shift, c) => (byte * scale - shift) / checked.std[c]!),
  );
  if (!reach.every((value) => Number.isFinite(Math.fround(value)))) {
    throw new ArgumentRangeError(
      `${label}: std: expected numbers that keep bytes in the range of floats, received ${checked.std.join(', ')}`,
    );
  }
  return checked;
}

function perChannel(label: string, values: unknown, channels: number): number[] {
  if (!Array.isArray(values) || values.length !== channels || !values.every(Number.isFinite)) {
    throw new ArgumentRangeError(
      `${label}: expected ${channels} finite numbers, one per channel, received ${String(values)}`,
    );
  }
  return [...values] as number[];
}

/** The value that each byte stands for, `[channels, 256]`. */
export function byteTable({ scale, mean, std }: Normalization): Float32Array {
  const table = new Float32Array(256 * mean.length);
  for (const [c, shift] of mean.entries())
    for (let byte = 0; byte < 256; byte++) table[256 * c + byte] = (byte * scale - shift) / std[c]!;
  return table;
}

/** Normalizes images of one kind, `[…, channels]`; one for all images of a walk. */
export class Normalizer {
  readonly #normalization: Normalization;
  #table: Float32Array | undefined;

  constructor(normalization: Normalization) {
    this.#normalization = normalization;
  }

  /** Writes bytes, or floats, to `out` from element `offset` on. */
  write(values: Uint8Array | Float32Array, out: Float32Array, offset: number): void {
    if (values instanceof Uint8Array) this.#writeBytes(values, out, offset);
    else this.#writeFloats(values, out, offset);
  }

  #writeBytes(bytes: Uint8Array, out: Float32Array, offset: number): void {
    this.#table ??= byteTable(this.#normalization);
    const channels = this.#normalization.mean.length;
    for (let c = 0; c < channels; c++) {
      const row = this.#table.subarray(256 * c, 256 * (c + 1));
      for (let i = c; i < bytes.length; i += channels) out[offset + i] = row[bytes[i]!]!;
    }
  }

  #writeFloats(values: Float32Array, out: Float32Array, offset: number): void {
    const { scale, mean, std } = this.#normalization;
    for (const [c, shift] of mean.entries()) {
      for (let i = c; i < values.length; i += mean.length)
        out[offset + i] = (values[i]! * scale - shift) / std[c]!;
    }
  }
}
