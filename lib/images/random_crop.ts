/** A random part of an image, as training sees it. */
import { below, philox4x32, randomUse, seedKey } from '../data/random.ts';
import type { Pixels } from './image.ts';

/** Least share of the area, and the widest and highest proportion of a part. */
const leastArea = 0.25;
const widest = 4 / 3;

/**
 * A part of 25 to 100 % of the area with proportions from 3:4 to 4:3, as far as the image has it, and whether to mirror
 * it. Words 0 to 3 of counter [index, epoch, use, 0] are flip, area, proportion and row, word 0 of [.., 1] the column.
 */
export function randomCrop(
  image: Pixels,
  index: number,
  seed: number,
  epoch: number,
): { part: Pixels; flip: boolean } {
  const key = seedKey(seed);
  const [flip, areaWord, shapeWord, row] = philox4x32([index, epoch, randomUse.augment, 0], key);
  const [column] = philox4x32([index, epoch, randomUse.augment, 1], key);
  const area = image.width * image.height * (leastArea + (1 - leastArea) * (areaWord / 2 ** 32));
  const proportion = widest ** (2 * (shapeWord / 2 ** 32) - 1);
  const width = Math.max(1, Math.min(image.width, Math.round(Math.sqrt(area * proportion))));
  const height = Math.max(1, Math.min(image.height, Math.round(Math.sqrt(area / proportion))));
  const top = below(row, image.height - height + 1);
  const left = below(column, image.width - width + 1);
  return { part: cutOut(image, top, left, width, height), flip: below(flip, 2) === 1 };
}

function cutOut(image: Pixels, top: number, left: number, width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + width * 3), y * width * 3);
  }
  return { data, width, height };
}
