/** Flip and pad-and-crop: an image in its own size, mirrored and moved. */
import type { Placement } from '../pixels.ts';
import { unmoved } from '../pixels.ts';
import { below, philox4x32, randomUse, type Words2 } from '../random.ts';

/**
 * Where an image is cut from, mirrored with chance 1/2 and cut at a random place after it was padded by `crop` pixels on
 * each side. Words 0 to 2 of counter [index, epoch, use, 0] are flip, row and column.
 */
export function placementOf(
  index: number,
  epoch: number,
  key: Words2,
  { flip, crop }: { flip: boolean; crop: number },
): Placement {
  if (!flip && crop === 0) return unmoved;
  const [flipWord, rowWord, columnWord] = philox4x32([index, epoch, randomUse.shift, 0], key);
  return {
    flip: flip && below(flipWord, 2) === 1,
    dy: below(rowWord, 2 * crop + 1) - crop,
    dx: below(columnWord, 2 * crop + 1) - crop,
  };
}
