import { FileError } from '../errors.ts';
import { requireOptions, requireWhole } from './check.ts';
import { ImageDataset } from './dataset.ts';
import { maxImageSide } from './dataset_options.ts';
import { type IdxArray, readIdx } from './idx.ts';

/** Options of {@link readIdxDataset}. */
export interface IdxDatasetOptions {
  /** Number of classes; every label must be below it. */
  readonly classes: number;
  /** Mean of the pixels after division by 255; default 0. */
  readonly mean?: number;
  /** Standard deviation of the pixels after division by 255; default 1. */
  readonly std?: number;
}

/**
 * Reads a pair of IDX files, images `[N, H, W]` and labels `[N]`, as a dataset of grey images `[H, W, 1]`.
 *
 * @throws FileError naming file and record if a file is damaged, the two do not belong together or a label is not a class
 */
export async function readIdxDataset(
  imagesPath: string,
  labelsPath: string,
  options: IdxDatasetOptions,
): Promise<ImageDataset> {
  requireOptions('readIdxDataset', options);
  const { classes, mean = 0, std = 1 } = options;
  requireWhole('readIdxDataset: classes', classes, 1, 256);
  const labels = await readIdx(labelsPath);
  requireRank(labelsPath, labels, 1, 'labels [N]');
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new FileError(
      labelsPath,
      `record ${wrong}: expected a label from 0 to ${classes - 1}, received ${labels.data[wrong]}`,
    );
  }
  const images = await readIdx(imagesPath);
  requireRank(imagesPath, images, 3, 'images [N, H, W]');
  const [count, height, width] = images.shape;
  if (count !== labels.data.length) {
    throw new FileError(
      imagesPath,
      `expected ${labels.data.length} images, as many as labels, received ${count}`,
    );
  }
  return new ImageDataset({
    images: images.data,
    labels: labels.data,
    shape: [height!, width!, 1],
    classes,
    mean: [mean],
    std: [std],
  });
}

function requireRank(path: string, { shape }: IdxArray, rank: number, what: string): void {
  const [count = 0, ...sides] = shape;
  if (shape.length !== rank || count < 1 || sides.some((size) => size < 1 || size > maxImageSide)) {
    throw new FileError(
      path,
      `expected ${what}, N at least 1 and sides from 1 to ${maxImageSide}, received [${shape.join(', ')}]`,
    );
  }
}
