/** Resizes a part of an image by the triangle filter, which widens where the image shrinks, as Pillow's bilinear does. */
import { type Box, type Picture, stored } from './picture.ts';

/** For each output position the first input position and its weights. */
type Taps = readonly { readonly first: number; readonly weights: readonly number[] }[];

function tapsOf(from: number, to: number): Taps {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - center + 0.5) / reach)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/** The part in another size. What lies around the part is not looked at; bytes are rounded once, at the end. */
export function resizePart(picture: Picture, part: Box, height: number, width: number): Picture {
  const { data, channels } = picture;
  const columns = tapsOf(part.width, width);
  const rows = tapsOf(part.height, height);
  const rowLength = width * channels;
  const narrow = new Float32Array(part.height * rowLength);
  for (let y = 0; y < part.height; y++) {
    const row = ((part.top + y) * picture.width + part.left) * channels;
    let target = y * rowLength;
    for (const { first, weights } of columns) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += data[row + (first + k) * channels + c]! * weights[k]!;
        narrow[target++] = sum;
      }
    }
  }
  const values = new Float32Array(height * rowLength);
  for (const [y, { first, weights }] of rows.entries()) {
    for (let x = 0; x < rowLength; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += narrow[(first + k) * rowLength + x]! * weights[k]!;
      values[y * rowLength + x] = sum;
    }
  }
  return { data: stored(picture, values), height, width, channels };
}
