/** Random resized crop: a part of random area and proportions, brought to the network's size. */
import { requireKeys, requireOptions, requireRange } from '../check.ts';
import { between, type Draw } from '../random.ts';
import type { Box } from './picture.ts';

/** Which parts {@link Augmentation.randomResizedCrop} cuts out. */
export interface RandomResizedCrop {
  /** Least and most share of the area; default [0.08, 1], as torchvision and timm have it. */
  readonly scale?: readonly [least: number, most: number];
  /** Least and most width divided by height; default [3/4, 4/3], as torchvision and timm have it. */
  readonly ratio?: readonly [least: number, most: number];
}

const attempts = 10;
/** Proportions beyond it are not of this world. */
const mostRatio = 1000;

/** Checks the options and fills in defaults. */
export function checkResizedCrop(label: string, value: RandomResizedCrop): Required<RandomResizedCrop> {
  requireOptions(label, value);
  requireKeys(label, value, ['scale', 'ratio']);
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = value;
  requireRange(`${label}.scale`, scale, 1);
  requireRange(`${label}.ratio`, ratio, mostRatio);
  return { scale: [...scale], ratio: [...ratio] };
}

/**
 * The part to cut out of an image. Area and the logarithm of the proportions are even over their ranges; a part that the
 * image is too small for is drawn again, ten times at most, then it is the largest one in the centre whose proportions
 * are in the range.
 */
export function resizedCropBox(
  { height, width }: { height: number; width: number },
  { scale, ratio }: Required<RandomResizedCrop>,
  draw: Draw,
): Box {
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = height * width * between(scale, draw());
    const proportion = Math.exp(between(logRatio, draw()));
    const partWidth = Math.round(Math.sqrt(area * proportion));
    const partHeight = Math.round(Math.sqrt(area / proportion));
    if (partWidth < 1 || partWidth > width || partHeight < 1 || partHeight > height) continue;
    return {
      top: Math.floor(draw() * (height - partHeight + 1)),
      left: Math.floor(draw() * (width - partWidth + 1)),
      height: partHeight,
      width: partWidth,
    };
  }
  return centralBox(height, width, ratio);
}

function centralBox(height: number, width: number, [least, most]: readonly [number, number]): Box {
  const partHeight = Math.max(1, Math.min(height, Math.round(width / least)));
  const partWidth = Math.max(1, Math.min(width, Math.round(height * most)));
  return {
    top: Math.floor((height - partHeight) / 2),
    left: Math.floor((width - partWidth) / 2),
    height: partHeight,
    width: partWidth,
  };
}
