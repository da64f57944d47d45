/** The sheet of images as training sees them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import {
  ArgumentError,
  ArgumentRangeError,
  type FolderDataset,
  ImageDataset,
  imageFolder,
  preprocessings,
  previewData,
} from '../../lib/index.ts';

const root = mkdtempSync(join(tmpdir(), 'senet-preview-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const side = 32;
/** Places of images of 32 pixels, three times as large, four pixels apart. */
const [zoom, gap] = [3, 4];
const place = (row: number, column: number) => [gap + row * 100, gap + column * 100] as const;

async function draw(data: ImageDataset | FolderDataset, options = {}) {
  const sheet = await sharp(await previewData(data, options))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (y: number, x: number) => [
    ...sheet.data.subarray((y * sheet.info.width + x) * 3).subarray(0, 3),
  ];
  /** A pixel of the image in a row and column, found the same all over its square. */
  const pixel = (row: number, column: number, y: number, x: number) => {
    const [top, left] = place(row, column);
    const found = at(top + y * zoom, left + x * zoom);
    expect(at(top + y * zoom + 2, left + x * zoom + 2)).toEqual(found);
    return found;
  };
  return { ...sheet.info, at, pixel };
}

const images = Uint8Array.from({ length: 5 * side * side * 3 }, (_, i) => (i * 7) % 256);
const memory = (more = {}) =>
  new ImageDataset({ images, labels: new Uint8Array(5), shape: [side, side, 3], classes: 1, ...more });

test('has each image as it is, and below as augmented, of the first batch', async () => {
  const data = memory({ mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] }).augmented({ flip: true });
  const { width, height, at, pixel } = await draw(data, { seed: 3, epoch: 2, columns: 3 });
  expect([width, height]).toEqual([gap + 3 * 100, gap + 4 * 100]);
  expect(at(0, 0)).toEqual([255, 255, 255]);
  const [plain] = memory({ scale: 1 }).batches({ batchSize: 5, shuffle: true, seed: 3, epoch: 2 });
  const [flipped] = memory({ scale: 1 })
    .augmented({ flip: true })
    .batches({ batchSize: 5, shuffle: true, seed: 3, epoch: 2 });
  for (let i = 0; i < 5; i++) {
    const [row, column] = [2 * Math.floor(i / 3), i % 3];
    for (const [y, x] of [
      [0, 0],
      [5, 9],
      [31, 31],
    ] as const) {
      const start = ((i * side + y) * side + x) * 3;
      expect(pixel(row, column, y, x)).toEqual([...plain!.images.subarray(start, start + 3)]);
      expect(pixel(row + 1, column, y, x)).toEqual([...flipped!.images.subarray(start, start + 3)]);
    }
  }
  // Where there is no sixth image the sheet is white.
  expect(at(...place(2, 2))).toEqual([255, 255, 255]);
});

test('floats and grey images', async () => {
  const grey = new ImageDataset({
    images: Float32Array.of(0, 0.2, 1, 2),
    labels: new Uint8Array(1),
    shape: [2, 2, 1],
    classes: 1,
    mean: [0.5],
  });
  const { info, data } = await sharp(await previewData(grey))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([gap + 100, gap + 200]);
  const at = (y: number, x: number) => data[(y * info.width + x) * 3];
  expect([at(4, 4), at(4, 4 + 48), at(4 + 48, 4), at(4 + 95, 4 + 95)]).toEqual([0, 51, 255, 255]);
});

test.each(['imagenet', 'caffe'] as const)('a folder prepared for %s', async (name) => {
  const folder = join(root, name);
  mkdirSync(join(folder, 'a'), { recursive: true });
  const pixels = images.subarray(0, side * side * 3);
  const image = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
  await image.png().toFile(join(folder, 'a', '1.png'));
  const preprocessing = { ...preprocessings[name], resize: side, crop: side };
  const { train } = await imageFolder(folder, { preprocessing });
  const { pixel } = await draw(train.augmented({ cutout: 64 }));
  for (const [y, x] of [
    [0, 0],
    [5, 9],
    [31, 31],
  ] as const) {
    const start = (y * side + x) * 3;
    expect(pixel(0, 0, y, x)).toEqual([...pixels.subarray(start, start + 3)]);
  }
  // What is hidden has the mean.
  const means = name === 'caffe' ? [123, 117, 104] : [124, 116, 104];
  expect(pixel(1, 0, 16, 16)).toEqual(means);
});

test('wrong use', async () => {
  await expect(previewData({} as never)).rejects.toThrow(ArgumentError);
  await expect(previewData(memory(), { count: 6 })).rejects.toThrow(/count: .* 1 to 5, received 6/);
  await expect(previewData(memory(), { columns: 0 })).rejects.toThrow(ArgumentRangeError);
  await expect(previewData(memory(), { seed: -1 })).rejects.toThrow(/seed/);
  await expect(previewData(memory(), null as never)).rejects.toThrow(ArgumentError);
});
