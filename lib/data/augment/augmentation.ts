import { requireFlag, requireKeys, requireNumber, requireOptions, requireWhole } from '../check.ts';
import { type ColorJitter, checkColorJitter } from './color_jitter.ts';
import { checkRandomErasing, type RandomErasing } from './random_erasing.ts';
import { checkResizedCrop, type RandomResizedCrop } from './resized_crop.ts';

/**
 * Random changes to training images, as plain data that can stand in a JSON file. What is left out is not done. Whatever
 * the order of the keys, an image is cut (`randomResizedCrop`), turned, has its colours changed, is mirrored, padded and
 * cut (`crop`), and normalized; then `cutout` and `randomErasing` hide parts of it, and `mixup` or `cutmix` mix it with
 * another of its batch.
 *
 * Each choice is a pure function of seed, epoch and the image's index (of `mixup` and `cutmix`: of the batch's first
 * position), and none shifts the numbers of another.
 *
 * @example
 * const paper: Augmentation = { flip: true, randomResizedCrop: {}, rotate: 10 };
 * const cifar: Augmentation = { flip: true, crop: 4, cutout: 16 };
 */
export interface Augmentation {
  /** Mirror every second image, on average, left and right. */
  readonly flip?: boolean;
  /** Pad by this many black pixels on each side and cut the original size at a random place. */
  readonly crop?: number;
  /** Cut out a part of random area and proportions and resize it to the original size; `{}` for the usual ranges. */
  readonly randomResizedCrop?: RandomResizedCrop;
  /**
   * Turn by up to this many degrees, at most 180, either way. Pixels are the nearest ones, those from outside black, as
   * torchvision's RandomRotation has it by default.
   */
  readonly rotate?: number;
  /** Change brightness, contrast and saturation, one after another in random order (torchvision's ColorJitter). */
  readonly colorJitter?: ColorJitter;
  /**
   * Hide a square of this many pixels a side about a random pixel (DeVries and Taylor). Hidden is 0 after
   * normalization, the mean of the data.
   */
  readonly cutout?: number;
  /** Hide a random rectangle of some images, by 0 after normalization; `{}` for torchvision's ranges. */
  readonly randomErasing?: RandomErasing;
  /**
   * Blend each image of a batch with the one before it, image and label, in the proportion of a number drawn from
   * Beta(alpha, alpha) for the batch, as torchvision and timm do; this is alpha, by default 1 there. Labels become
   * distributions.
   */
  readonly mixup?: number;
  /**
   * Replace a random rectangle of each image by that of the one before it; the label gets its share of the area, which
   * comes from Beta(alpha, alpha); this is alpha, usually 1. With `mixup` too, each batch gets one of them, by chance 1/2.
   */
  readonly cutmix?: number;
}

/** An augmentation with everything filled in; undefined is not done. */
export interface CheckedAugmentation {
  readonly flip: boolean;
  readonly crop: number;
  readonly randomResizedCrop: Required<RandomResizedCrop> | undefined;
  readonly rotate: number;
  readonly colorJitter: Required<ColorJitter> | undefined;
  readonly cutout: number;
  readonly randomErasing: Required<RandomErasing> | undefined;
  readonly mixup: number;
  readonly cutmix: number;
}

const keys = [
  'flip',
  'crop',
  'randomResizedCrop',
  'rotate',
  'colorJitter',
  'cutout',
  'randomErasing',
  'mixup',
  'cutmix',
] as const satisfies (keyof Augmentation)[];

const mostSide = 65535;
/** Beta(alpha, alpha) is 1/2 beyond it, for all that can be seen. */
const mostAlpha = 1e6;

/**
 * Checks an augmentation of images of a size and fills in defaults.
 *
 * @throws ArgumentError or ArgumentRangeError naming the part that is wrong
 */
export function checkAugmentation(
  label: string,
  value: Augmentation,
  [height, width]: readonly [height: number, width: number],
): CheckedAugmentation {
  requireOptions(label, value);
  requireKeys(label, value, keys);
  const { flip = false, crop = 0, rotate = 0, cutout = 0, mixup = 0, cutmix = 0 } = value;
  requireFlag(`${label}.flip`, flip);
  requireWhole(`${label}.crop`, crop, 0, Math.min(height, width));
  requireNumber(`${label}.rotate`, rotate, 0, 180);
  requireWhole(`${label}.cutout`, cutout, 0, mostSide);
  requireNumber(`${label}.mixup`, mixup, 0, mostAlpha);
  requireNumber(`${label}.cutmix`, cutmix, 0, mostAlpha);
  const { randomResizedCrop, colorJitter, randomErasing } = value;
  const part = <T, R>(name: string, given: T | undefined, check: (label: string, value: T) => R) =>
    given === undefined ? undefined : check(`${label}.${name}`, given);
  return {
    flip,
    crop,
    randomResizedCrop: part('randomResizedCrop', randomResizedCrop, checkResizedCrop),
    rotate,
    colorJitter: part('colorJitter', colorJitter, checkColorJitter),
    cutout,
    randomErasing: part('randomErasing', randomErasing, checkRandomErasing),
    mixup,
    cutmix,
  };
}

/** Nothing is changed. */
export const unchanged: CheckedAugmentation = checkAugmentation('augmentation', {}, [1, 1]);
