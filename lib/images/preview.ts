/** A sheet of images as training sees them. */
import { requireOptions, requireWhole } from '../data/check.ts';
import { ImageDataset } from '../data/dataset.ts';
import { ArgumentError } from '../errors.ts';
import { FolderDataset } from './folder_dataset.ts';
import type { Pixels } from './image.ts';
import { loadSharp } from './sharp.ts';

/** Options of {@link previewData}. */
export interface PreviewOptions {
  /** Images to show, the first ones of the epoch; at most 1024; default 16, or all there are. */
  readonly count?: number;
  /** As that of `batches`; default 0. */
  readonly seed?: number;
  /** As that of `batches`; default 0. */
  readonly epoch?: number;
  /** Images beside each other; default 8. */
  readonly columns?: number;
}

const mostImages = 1024;
/** Pixels between images. */
const gap = 4;
/** Smaller images are enlarged. */
const leastSide = 96;

/**
 * Draws the first images of an epoch, in rows: as they are, and below them as the dataset's augmentation makes them.
 * Images of one batch are mixed with each other, as those of a training step are.
 *
 * @returns a PNG file
 * @throws ArgumentError or ArgumentRangeError for wrong options, FileError for a broken image
 * @example
 * const { train } = await cifar10({ directory: 'cifar-10-batches-bin' });
 * await writeFile('sheet.png', await previewData(train.augmented({ flip: true, crop: 4, cutout: 16 })));
 */
export async function previewData(
  data: ImageDataset | FolderDataset,
  options: PreviewOptions = {},
): Promise<Uint8Array> {
  if (!(data instanceof ImageDataset) && !(data instanceof FolderDataset))
    throw new ArgumentError('previewData: data: expected a dataset of images');
  requireOptions('previewData', options);
  const { count = Math.min(16, data.size), seed = 0, epoch = 0, columns = 8 } = options;
  requireWhole('previewData: count', count, 1, Math.min(mostImages, data.size));
  requireWhole('previewData: columns', columns, 1, mostImages);
  const walk = { batchSize: count, shuffle: true, seed, epoch };
  const before = await firstPictures(data.augmented({}), walk);
  const after = await firstPictures(data, walk);
  const rows: Pixels[][] = [];
  for (let start = 0; start < count; start += columns)
    rows.push(before.slice(start, start + columns), after.slice(start, start + columns));
  return toPng(drawSheet(rows));
}

async function firstPictures(
  data: ImageDataset | FolderDataset,
  walk: Parameters<FolderDataset['batches']>[0],
): Promise<Pixels[]> {
  for await (const batch of data.batches(walk))
    return Array.from({ length: batch.size }, (_, i) => data.picture(batch, i));
  return [];
}

/** Pictures of one size in rows on white. */
function drawSheet(rows: readonly (readonly Pixels[])[]): Pixels {
  const [first] = rows[0]!;
  const zoom = Math.max(1, Math.ceil(leastSide / Math.min(first!.width, first!.height)));
  const cell = { width: first!.width * zoom + gap, height: first!.height * zoom + gap };
  const width = gap + cell.width * rows[0]!.length;
  const height = gap + cell.height * rows.length;
  const sheet = { data: new Uint8Array(width * height * 3).fill(255), width, height };
  for (const [r, row] of rows.entries())
    for (const [c, picture] of row.entries())
      enlarge(picture, zoom, sheet, gap + r * cell.height, gap + c * cell.width);
  return sheet;
}

/** Draws each pixel as a square. */
function enlarge(picture: Pixels, zoom: number, sheet: Pixels, top: number, left: number): void {
  for (let y = 0; y < picture.height * zoom; y++) {
    for (let x = 0; x < picture.width * zoom; x++) {
      const from = (Math.floor(y / zoom) * picture.width + Math.floor(x / zoom)) * 3;
      const to = ((top + y) * sheet.width + left + x) * 3;
      for (let c = 0; c < 3; c++) sheet.data[to + c] = picture.data[from + c]!;
    }
  }
}

async function toPng({ data, width, height }: Pixels): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
