/** Random erasing (Zhong et al., arXiv 1708.04896): a rectangle of random area and proportions is hidden. */
import { requireKeys, requireNumber, requireOptions, requireRange } from '../check.ts';
import { between, type Draw } from '../random.ts';
import type { Box } from './picture.ts';

/** What {@link Augmentation.randomErasing} hides; the defaults are torchvision's. */
export interface RandomErasing {
  /** Share of the images that are changed; default 0.5. */
  readonly probability?: number;
  /** Least and most share of the area; default [0.02, 0.33]. */
  readonly area?: readonly [least: number, most: number];
  /** Least and most height divided by width; default [0.3, 3.3]. */
  readonly ratio?: readonly [least: number, most: number];
}

const attempts = 10;
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
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const size = height * width * between(area, draw());
    const proportion = Math.exp(between(logRatio, draw()));
    const boxHeight = Math.round(Math.sqrt(size * proportion));
    const boxWidth = Math.round(Math.sqrt(size / proportion));
    if (boxHeight >= height || boxWidth >= width) continue;
    return {
      top: Math.floor(draw() * (height - boxHeight + 1)),
      left: Math.floor(draw() * (width - boxWidth + 1)),
      height: boxHeight,
      width: boxWidth,
    };
  }
  return undefined;
}
