/** The sliding windows of max_pool and avg_pool. */
import type { Attributes } from '../../lib/ir/graph.ts';
import { flagOf, paddingOf, pairOf } from './attributes.ts';

/** A cell of a window that lies inside the input, and its place row * kw + column in the window. */
export interface Cell {
  xi: number;
  offset: number;
}

/** PyTorch's rule: in ceil mode the last window must start inside the input or the padding before it. */
function outputSize(
  input: number,
  before: number,
  after: number,
  kernel: number,
  stride: number,
  ceil: boolean,
) {
  const steps = (input + before + after - kernel) / stride;
  const size = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  return ceil && (size - 1) * stride >= input + before ? size - 1 : size;
}

/** Shape of the pooled map. */
export function windowOutput(x: readonly number[], attributes: Attributes): number[] {
  const [n = 0, h = 0, w = 0, c = 0] = x;
  const [kh, kw] = pairOf(attributes, 'kernel');
  const [sh, sw] = pairOf(attributes, 'stride');
  const [top, bottom, left, right] = paddingOf(attributes);
  const ceil = flagOf(attributes, 'ceil');
  return [n, outputSize(h, top, bottom, kh, sh, ceil), outputSize(w, left, right, kw, sw, ceil), c];
}

/** Visits each output element with the cells of its window and `padded`, the window's area clipped to the padded map. */
export function eachWindow(
  x: readonly number[],
  y: readonly number[],
  attributes: Attributes,
  visit: (yi: number, cells: Cell[], padded: number) => void,
): void {
  const [n = 0, h = 0, w = 0, c = 0] = x;
  const [, oh = 0, ow = 0] = y;
  const [kh, kw] = pairOf(attributes, 'kernel');
  const [sh, sw] = pairOf(attributes, 'stride');
  const [top, bottom, left, right] = paddingOf(attributes);
  for (let yi = 0; yi < n * oh * ow * c; yi++) {
    const channel = yi % c;
    const ox = Math.floor(yi / c) % ow;
    const oy = Math.floor(yi / (c * ow)) % oh;
    const b = Math.floor(yi / (c * ow * oh));
    const cells: Cell[] = [];
    let padded = 0;
    for (let row = 0; row < kh; row++)
      for (let column = 0; column < kw; column++) {
        const iy = oy * sh - top + row;
        const ix = ox * sw - left + column;
        if (iy < h + bottom && ix < w + right) padded++;
        if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
        cells.push({ xi: ((b * h + iy) * w + ix) * c + channel, offset: row * kw + column });
      }
    visit(yi, cells, padded);
  }
}
