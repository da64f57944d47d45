import { between, type Draw } from '../random.ts';
import type { Box } from './picture.ts';

const attempts = 10;

/** Least and most share of the image's area, and least and most proportion of the sides. */
export interface BoxRanges {
  readonly area: readonly [least: number, most: number];
  readonly ratio: readonly [least: number, most: number];
}

/**
 * A box at a random place of an image; undefined when none of ten in a row fits. Area and the logarithm of the proportion
 * are even over their ranges.
 *
 * @param fitting the size of a box whose sides are as the proportion says, undefined if it does not fit
 */
export function randomBox(
  { height, width }: { height: number; width: number },
  { area, ratio }: BoxRanges,
  fitting: (side: number, other: number) => { height: number; width: number } | undefined,
  draw: Draw,
): Box | undefined {
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const pixels = height * width * between(area, draw());
    const proportion = Math.exp(between(logRatio, draw()));
    const size = fitting(
      Math.round(Math.sqrt(pixels * proportion)),
      Math.round(Math.sqrt(pixels / proportion)),
    );
    if (size === undefined) continue;
    return {
      top: Math.floor(draw() * (height - size.height + 1)),
      left: Math.floor(draw() * (width - size.width + 1)),
      ...size,
    };
  }
  return undefined;
}
