/** A data set of one image, to see what an augmentation makes of it. */
import {
  type Augmentation,
  floatImages,
  ImageDataset,
  type ImageDatasetOptions,
} from '../../../lib/index.ts';

export type Shape = readonly [number, number, number];

/** One image of class 0; pixels are not scaled unless the options say so. */
export function oneImage(
  images: Uint8Array | Float32Array,
  shape: Shape,
  more: Partial<ImageDatasetOptions> = {},
): ImageDataset {
  return new ImageDataset({ images, labels: new Uint8Array(1), shape, classes: 1, scale: 1, ...more });
}

/** What an augmentation makes of the image, for each of some epochs. */
export function variants(data: ImageDataset, augmentation: Augmentation, epochs: number): Float32Array[] {
  const augmented = data.augmented(augmentation);
  return Array.from({ length: epochs }, (_, epoch) => {
    const [batch] = augmented.batches({ batchSize: 1, epoch });
    return floatImages(batch!);
  });
}

/** Bytes that all differ where there are at most 251 of them. */
export const bytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => 1 + ((i * 7) % 251));

export const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
