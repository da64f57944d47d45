/** Random resized crop: a part of random area and proportions, brought to the network's size. */
import { requireKeys, requireOptions, requireRange } from '../check.ts';
import type { Draw } from '../random.ts';
import type { Box } from './picture.ts';
import { randomBox } from './random_box.ts';

/** Which parts {@link Augmentation.randomResizedCrop} cuts out. */
export interface RandomResizedCrop {
  /** Least and most share of the area; default [0.08, 1], as torchvision and timm have it. */
  readonly scale?: readonly [least: number, most: number];
  /** Least and most width divided by height; default [3/4, 4/3], as torchvision and timm have it. */
  readonly ratio?: readonly [least: number, most: number];
}

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
 * The part to cut out of an image. A part that the image is too small for is drawn again, ten times at most, then it is
 * the largest one in the centre whose proportions are in the range.
 */
export function resizedCropBox(
  { height, width }: { height: number; width: number },
  { scale, ratio }: Required<RandomResizedCrop>,
  draw: Draw,
): Box {
  const fitting = (partWidth: number, partHeight: number) =>
    partWidth >= 1 && partWidth <= width && partHeight >= 1 && partHeight <= height
      ? { height: partHeight, width: partWidth }
      : undefined;
  const ranges = { area: scale, ratio };
  return randomBox({ height, width }, ranges, fitting, draw) ?? centralBox(height, width, ratio);
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
