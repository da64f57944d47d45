/** Random erasing (Zhong et al., arXiv 1708.04896): a rectangle of random area and proportions is hidden. */
import { requireKeys, requireNumber, requireOptions, requireRange } from '../check.ts';
import type { Draw } from '../random.ts';
import type { Box } from './picture.ts';
import { randomBox } from './random_box.ts';

/** What {@link Augmentation.randomErasing} hides; the defaults are torchvision's. */
export interface RandomErasing {
  /** Share of the images that are changed; default 0.5. */
  readonly probability?: number;
  /** Least and most share of the area; default [0.02, 0.33]. */
  readonly area?: readonly [least: number, most: number];
  /** Least and most height divided by width; default [0.3, 3.3]. */
  readonly ratio?: readonly [least: number, most: number];
}

const mostRatio = 1000;

/** Checks the options and fills in defaults. */
export function checkRandomErasing(label: string, value: RandomErasing): Required<RandomErasing> {
  requireOptions(label, value);
  requireKeys(label, value, ['probability', 'area', 'ratio']);
  const { probability = 0.5, area = [0.02, 0.33], ratio = [0.3, 3.3] } = value;
  requireNumber(`${label}.probability`, probability, 0, 1);
  requireRange(`${label}.area`, area, 1);
  requireRange(`${label}.ratio`, ratio, mostRatio);
  return { probability, area: [...area], ratio: [...ratio] };
}

/**
 * The rectangle, or undefined where the image stays as it is: by chance, or when ten times in a row it was not smaller
 * than the image both ways.
 */
export function erasedBox(
  height: number,
  width: number,
  { probability, area, ratio }: Required<RandomErasing>,
  draw: Draw,
): Box | undefined {
  if (draw() >= probability) return undefined;
  const fitting = (boxHeight: number, boxWidth: number) =>
    boxHeight < height && boxWidth < width ? { height: boxHeight, width: boxWidth } : undefined;
  return randomBox({ height, width }, { area, ratio }, fitting, draw);
}
