/**
 * Resizing as Pillow does it, bit for bit, since that is what the known weights were trained and measured with.
 *
 * The image is filtered along rows, rounded to bytes, then along columns. An output pixel is a weighted mean of the input
 * pixels around it; where the image shrinks, the filter widens with it, which is what keeps out moiré. libvips rounds
 * differently and shrinks in two steps: against Pillow it is off by 0.3 levels on average where it shrinks to no less
 * than a quarter, by 1 below that, and by 5 where it enlarges noise.
 */
import type { Box } from '../data/augment/picture.ts';
import { cutOut, type Pixels } from './image.ts';
import { Pace } from './pace.ts';

/** How pixels are filtered when an image is resized. */
export type Interpolation = 'bilinear' | 'bicubic';

/** Fraction bits of the weights; sums of a byte times weights stay within 31 bits. */
const weightBits = 22;

const filters: Record<Interpolation, { support: number; weight: (x: number) => number }> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic with a = -1/2.
  bicubic: {
    support: 2,
    weight: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
    },
  },
};

/** For some output positions the first input position, how many there are, and their weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `[output positions, longest]` */
  readonly weights: Int32Array;
  readonly longest: number;
}

/** @param start first of `size` output positions, of the `to` that there are */
function tapsOf(from: number, to: number, interpolation: Interpolation, start: number, size: number): Taps {
  const { support, weight } = filters[interpolation];
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const reach = support * widening;
  const longest = Math.ceil(reach) * 2 + 1;
  const taps = {
    first: new Int32Array(size),
    count: new Int32Array(size),
    weights: new Int32Array(size * longest),
    longest,
  };
  for (let i = 0; i < size; i++) {
    const center = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const values = Array.from({ length: end - first }, (_, k) =>
      weight((first + k - center + 0.5) * (1 / widening)),
    );
    const sum = values.reduce((a, b) => a + b, 0);
    taps.first[i] = first;
    taps.count[i] = values.length;
    for (const [k, value] of values.entries()) {
      const fixed = (value / sum) * 2 ** weightBits;
      taps.weights[i * longest + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  return taps;
}

/** A sum of weighted bytes as a byte. */
function byteOf(sum: number): number {
  const value = sum >> weightBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Filters a row along itself; `source` and `target` are its first elements. */
function filterAlong(
  input: Uint8Array,
  source: number,
  output: Uint8Array,
  target: number,
  { first, count, weights, longest }: Taps,
): void {
  const half = 1 << (weightBits - 1);
  for (let x = 0, to = target; x < first.length; x++, to += 3) {
    let red = half;
    let green = half;
    let blue = half;
    let from = source + first[x]! * 3;
    const end = x * longest + count[x]!;
    for (let k = x * longest; k < end; k++, from += 3) {
      const weight = weights[k]!;
      red = (red + Math.imul(input[from]!, weight)) | 0;
      green = (green + Math.imul(input[from + 1]!, weight)) | 0;
      blue = (blue + Math.imul(input[from + 2]!, weight)) | 0;
    }
    output[to] = byteOf(red);
    output[to + 1] = byteOf(green);
    output[to + 2] = byteOf(blue);
  }
}

/** Filters a row of the output from whole rows of the input, which reads memory in order. */
function filterAcross(
  input: Uint8Array,
  output: Uint8Array,
  row: number,
  length: number,
  { first, count, weights, longest }: Taps,
  sums: Int32Array,
): void {
  sums.fill(1 << (weightBits - 1));
  for (let k = 0; k < count[row]!; k++) {
    const weight = weights[row * longest + k]!;
    const from = (first[row]! + k) * length;
    for (let x = 0; x < length; x++) sums[x] = sums[x]! + Math.imul(input[from + x]!, weight);
  }
  for (let x = 0; x < length; x++) output[row * length + x] = byteOf(sums[x]!);
}

/**
 * The image in another size, or a window of that: its pixels are those of the whole, and the others are not computed.
 * Works in slices, so that the event loop goes on.
 */
export async function resizeImage(
  image: Pixels,
  width: number,
  height: number,
  interpolation: Interpolation,
  window: Box = { top: 0, left: 0, width, height },
): Promise<Pixels> {
  const pace = new Pace();
  const rows =
    height === image.height
      ? undefined
      : tapsOf(image.height, height, interpolation, window.top, window.height);
  const top = rows?.first[0] ?? window.top;
  const bottom = rows ? rows.first.at(-1)! + rows.count.at(-1)! : window.top + window.height;
  let data: Uint8Array;
  if (width === image.width) {
    ({ data } = cutOut(image, { top, left: window.left, height: bottom - top, width: window.width }));
  } else {
    const columns = tapsOf(image.width, width, interpolation, window.left, window.width);
    data = new Uint8Array((bottom - top) * window.width * 3);
    for (let y = top; y < bottom; y++) {
      filterAlong(image.data, y * image.width * 3, data, (y - top) * window.width * 3, columns);
      const pause = pace.pause();
      if (pause !== undefined) await pause;
    }
  }
  if (rows !== undefined) {
    for (let i = 0; i < rows.first.length; i++) rows.first[i] = rows.first[i]! - top;
    const low = new Uint8Array(window.height * window.width * 3);
    const sums = new Int32Array(window.width * 3);
    for (let y = 0; y < window.height; y++) {
      filterAcross(data, low, y, window.width * 3, rows, sums);
      const pause = pace.pause();
      if (pause !== undefined) await pause;
    }
    data = low;
  }
  return { data, width: window.width, height: window.height };
}

/** The size whose shorter side is as given, the longer one rounded down as torchvision does. */
export function sizeWithShortSide(
  { width, height }: { width: number; height: number },
  short: number,
): { width: number; height: number } {
  return width <= height
    ? { width: short, height: Math.max(short, Math.trunc((short * height) / width)) }
    : { width: Math.trunc((short * width) / height), height: short };
}
