/** CutMix (Yun et al., arXiv 1905.04899): a rectangle of each image of a batch is that of the image before it. */
import type { Values } from '../pixels.ts';
import type { Draw } from '../random.ts';
import type { Box } from './picture.ts';

/**
 * The rectangle: about a random centre, in the image's proportions, of a share of 1 - lambda of its area before what lies
 * outside is cut off.
 */
export function cutmixBox(height: number, width: number, lambda: number, draw: Draw): Box {
  const centerY = Math.floor(draw() * height);
  const centerX = Math.floor(draw() * width);
  const half = 0.5 * Math.sqrt(1 - lambda);
  const top = Math.max(0, centerY - Math.floor(half * height));
  const left = Math.max(0, centerX - Math.floor(half * width));
  return {
    top,
    left,
    height: Math.min(height, centerY + Math.floor(half * height)) - top,
    width: Math.min(width, centerX + Math.floor(half * width)) - left,
  };
}

/**
 * Copies the rectangle into each image from the one before it, the first one's being the last.
 *
 * @param images `[size, height, width, channels]`, changed in place
 * @returns the share of an image that is still its own
 */
export function cutmix(
  images: Values,
  size: number,
  [height, width, channels]: readonly [number, number, number],
  box: Box,
): number {
  const pixels = height * width * channels;
  const last = images.slice((size - 1) * pixels);
  for (let i = size - 1; i >= 0; i--) {
    for (let y = box.top; y < box.top + box.height; y++) {
      const start = (y * width + box.left) * channels;
      const end = start + box.width * channels;
      const from =
        i === 0
          ? last.subarray(start, end)
          : images.subarray((i - 1) * pixels + start, (i - 1) * pixels + end);
      images.set(from, i * pixels + start);
    }
  }
  return 1 - (box.height * box.width) / (height * width);
}
