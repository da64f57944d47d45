/** Cutout (DeVries and Taylor, arXiv 1708.04552): a square of an image is hidden. */
import type { Draw } from '../random.ts';
import type { Box } from './picture.ts';

/** The square: its centre is any pixel, so a part of it may lie outside, where there is nothing to hide. */
export function cutoutBox(height: number, width: number, side: number, draw: Draw): Box {
  const firstRow = Math.floor(draw() * height) - Math.floor(side / 2);
  const firstColumn = Math.floor(draw() * width) - Math.floor(side / 2);
  const top = Math.max(0, firstRow);
  const left = Math.max(0, firstColumn);
  return {
    top,
    left,
    height: Math.min(height, firstRow + side) - top,
    width: Math.min(width, firstColumn + side) - left,
  };
}
