import type { Placement, Values } from '../pixels.ts';
import { type Draw, draws, randomUse, seedKey, type Words2 } from '../random.ts';
import type { CheckedAugmentation } from './augmentation.ts';
import { drawBeta } from './beta.ts';
import { changeColors, drawColorChanges } from './color_jitter.ts';
import { cutmix, cutmixBox } from './cutmix.ts';
import { cutoutBox } from './cutout.ts';
import { mixup } from './mixup.ts';
import type { Box, Picture } from './picture.ts';
import { erasedBox } from './random_erasing.ts';
import { resizedCropBox } from './resized_crop.ts';
import { rotate } from './rotate.ts';
import { placementOf } from './shift.ts';

type Shape = readonly [height: number, width: number, channels: number];

/**
 * The random changes of one epoch, in the order of their methods. A dataset does the parts in between: it resizes the box
 * that {@link part} cuts, and places and normalizes what {@link change} gives.
 */
export class Augmenter {
  readonly #changes: CheckedAugmentation;
  readonly #epoch: number;
  readonly #key: Words2;

  constructor(changes: CheckedAugmentation, seed: number, epoch: number) {
    this.#changes = changes;
    this.#epoch = epoch;
    this.#key = seedKey(seed);
  }

  /** Whether images have values between those of bytes: the mean of the data, or a blend. */
  get needsFloats(): boolean {
    const { cutout, randomErasing, mixup: blendAlpha } = this.#changes;
    return cutout > 0 || randomErasing !== undefined || blendAlpha > 0;
  }

  /** The part of an image to look at; undefined for all of it as it is. */
  part(index: number, size: { height: number; width: number }): Box | undefined {
    const { randomResizedCrop } = this.#changes;
    return randomResizedCrop && resizedCropBox(size, randomResizedCrop, this.#draw(index, 'resizedCrop'));
  }

  /**
   * Turns the image and changes its colours.
   *
   * @param white the largest value of a pixel
   */
  change(index: number, picture: Picture, white: number): Picture {
    const { rotate: most, colorJitter } = this.#changes;
    let changed = picture;
    if (most > 0) changed = rotate(changed, (2 * this.#draw(index, 'rotate')() - 1) * most);
    if (colorJitter !== undefined) {
      const changes = drawColorChanges(colorJitter, this.#draw(index, 'colorJitter'));
      changed = changeColors(changed, white, changes);
    }
    return changed;
  }

  /** Where the image is cut from, and whether mirrored. */
  placement(index: number): Placement {
    return placementOf(index, this.#epoch, this.#key, this.#changes);
  }

  /** Hides parts of a normalized image, which starts at an element of `images`. */
  hide(index: number, images: Float32Array, offset: number, shape: Shape): void {
    const { cutout, randomErasing } = this.#changes;
    const [height, width] = shape;
    if (cutout > 0)
      fillZero(images, offset, shape, cutoutBox(height, width, cutout, this.#draw(index, 'cutout')));
    if (randomErasing !== undefined) {
      const box = erasedBox(height, width, randomErasing, this.#draw(index, 'randomErasing'));
      if (box !== undefined) fillZero(images, offset, shape, box);
    }
  }

  /**
   * Mixes the images of a batch in place; returns the labels, which become distributions where images are mixed.
   *
   * @param start position of the batch's first image in the epoch
   */
  mix(
    start: number,
    images: Values,
    labels: Int32Array,
    shape: Shape,
    classes: number,
  ): Int32Array | Float32Array {
    const { mixup: blendAlpha, cutmix: cutAlpha } = this.#changes;
    if (blendAlpha === 0 && cutAlpha === 0) return labels;
    const draw = this.#draw(start, 'mix');
    const cuts = draw() < 0.5 ? cutAlpha > 0 : blendAlpha === 0;
    const lambda = drawBeta(cuts ? cutAlpha : blendAlpha, draw);
    if (cuts) {
      const box = cutmixBox(shape[0], shape[1], lambda, draw);
      return mixedLabels(labels, classes, cutmix(images, labels.length, shape, box));
    }
    // As needsFloats has it.
    mixup(images as Float32Array, labels.length, lambda);
    return mixedLabels(labels, classes, lambda);
  }

  #draw(index: number, use: keyof typeof randomUse): Draw {
    return draws(this.#key, index, this.#epoch, randomUse[use]);
  }
}

function fillZero(images: Float32Array, offset: number, [, width, channels]: Shape, box: Box): void {
  for (let y = box.top; y < box.top + box.height; y++) {
    const start = offset + (y * width + box.left) * channels;
    images.fill(0, start, start + box.width * channels);
  }
}

/** Each label with its share, the rest with the label before it; the first one's is the last. */
function mixedLabels(labels: Int32Array, classes: number, share: number): Float32Array {
  const mixed = new Float32Array(labels.length * classes);
  for (const [i, label] of labels.entries()) {
    const other = i * classes + labels.at(i - 1)!;
    mixed[i * classes + label] = share;
    mixed[other] = mixed[other]! + (1 - share);
  }
  return mixed;
}
