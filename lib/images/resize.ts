/** Resizing as Pillow does it, bit for bit, since that is what the known weights were trained and measured with. */
import type { Box } from '../data/augment/picture.ts';
import { callNative } from '../native.ts';
import type { Pixels } from './image.ts';

/** How pixels are filtered when an image is resized. */
export type Interpolation = 'bilinear' | 'bicubic';

/**
 * The image in another size, or a window of that: its pixels are those of the whole, and the others are not computed.
 * Works on libuv's threads, during which the image must not change.
 *
 * libvips rounds differently and shrinks in two steps: against Pillow it is off by 0.3 levels on average where it shrinks
 * to no less than a quarter, by 1 below that, and by 5 where it enlarges noise.
 */
export async function resizeImage(
  image: Pixels,
  width: number,
  height: number,
  interpolation: Interpolation,
  window: Box = { top: 0, left: 0, width, height },
): Promise<Pixels> {
  const sizes = {
    ...{ width: image.width, height: image.height, toWidth: width, toHeight: height },
    ...{ top: window.top, left: window.left, partWidth: window.width, partHeight: window.height },
    interpolation,
  };
  const part = await callNative((addon) => addon.resizeImage(image.data, sizes));
  return { data: new Uint8Array(part), width: window.width, height: window.height };
}

/** The size whose shorter side is as given, the longer one rounded down as torchvision does. */
export function sizeWithShortSide(
  { width, height }: { width: number; height: number },
  short: number,
): { width: number; height: number } {
  return width <= height
    ? { width: short, height: Math.max(short, Math.trunc((short * height) / width)) }
    : { width: Math.trunc((short * width) / height), height: short };
}
