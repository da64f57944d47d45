import { describe, expect, test } from 'vitest';
import { resizePart } from '../../../lib/data/augment/resize_part.ts';
import { checkResizedCrop, resizedCropBox } from '../../../lib/data/augment/resized_crop.ts';
import { draws, randomUse, seedKey } from '../../../lib/data/random.ts';
import { resizeImage } from '../../../lib/images/resize.ts';
import { bytes, oneImage, variants } from './one_image.ts';

const given =
  (...numbers: number[]) =>
  () =>
    numbers.shift()!;
const usual = checkResizedCrop('', {});

describe('resizedCropBox', () => {
  test('area and proportions are as drawn', () => {
    const options = { scale: [0.25, 0.25], ratio: [1, 1] } as const;
    expect(resizedCropBox({ height: 100, width: 100 }, options, given(0, 0, 0.5, 0.999))).toEqual({
      top: 25,
      left: 50,
      height: 50,
      width: 50,
    });
    // Wide ones are wider than high.
    const wide = { scale: [0.5, 0.5], ratio: [2, 2] } as const;
    expect(resizedCropBox({ height: 100, width: 100 }, wide, given(0, 0, 0, 0))).toMatchObject({
      height: 50,
      width: 100,
    });
  });

  test('after ten that do not fit it is the largest central one', () => {
    const tall = resizedCropBox({ height: 400, width: 10 }, { ...usual, scale: [1, 1] }, () => 0.5);
    expect(tall).toEqual({ top: 193, left: 0, height: 13, width: 10 });
    const flat = resizedCropBox({ height: 10, width: 400 }, { ...usual, scale: [1, 1] }, () => 0.5);
    expect(flat).toEqual({ top: 0, left: 193, height: 10, width: 13 });
    const whole = resizedCropBox({ height: 11, width: 10 }, { ...usual, scale: [1, 1] }, () => 0.999);
    expect(whole).toEqual({ top: 0, left: 0, height: 11, width: 10 });
  });

  test('ranges over many samples, within the image', () => {
    const size = { height: 375, width: 500 };
    const boxes = Array.from({ length: 5000 }, (_, i) =>
      resizedCropBox(size, usual, draws(seedKey(9), i, 2, randomUse.resizedCrop)),
    );
    for (const { top, left, height, width } of boxes) {
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
      expect(top + height).toBeLessThanOrEqual(375);
      expect(left + width).toBeLessThanOrEqual(500);
    }
    const areas = boxes.map(({ height, width }) => (height * width) / (375 * 500));
    const ratios = boxes.map(({ height, width }) => width / height);
    expect(Math.min(...areas)).toBeGreaterThan(0.079);
    expect(Math.min(...areas)).toBeLessThan(0.09);
    expect(Math.max(...areas)).toBeGreaterThan(0.97);
    expect(Math.min(...ratios)).toBeGreaterThan(0.74);
    expect(Math.max(...ratios)).toBeLessThan(1.35);
    // The smaller half is never drawn again for want of room, so it stays even: a quarter each.
    const half = areas.filter((area) => area < 0.54);
    expect(Math.abs(half.filter((area) => area < 0.31).length / half.length - 0.5)).toBeLessThan(0.05);
  });
});

describe('resizePart', () => {
  test('is what Pillow makes of the part, up to rounding', async () => {
    const picture = { data: bytes(30 * 20 * 3), height: 20, width: 30, channels: 3 };
    const part = { top: 3, left: 5, height: 15, width: 21 };
    const cut = new Uint8Array(15 * 21 * 3);
    for (let y = 0; y < 15; y++)
      cut.set(picture.data.subarray(((y + 3) * 30 + 5) * 3, ((y + 3) * 30 + 26) * 3), y * 63);
    for (const [height, width] of [
      [8, 9],
      [32, 40],
      [15, 21],
      [1, 1],
    ] as const) {
      const expected = await resizeImage({ data: cut, height: 15, width: 21 }, width, height, 'bilinear');
      const found = resizePart(picture, part, height, width);
      expect(found.data.length).toBe(expected.data.length);
      // Pillow rounds between the two passes as well.
      for (const [i, value] of found.data.entries())
        expect(Math.abs(value - expected.data[i]!)).toBeLessThanOrEqual(1);
    }
  });

  test('the whole in its own size is itself, bytes and floats, any channels', () => {
    for (const data of [bytes(40), Float32Array.from(bytes(40), (v) => v / 3)]) {
      const picture = { data, height: 4, width: 5, channels: 2 };
      expect(resizePart(picture, { top: 0, left: 0, height: 4, width: 5 }, 4, 5)).toEqual(picture);
    }
  });

  test('a constant image stays so, through the dataset too', () => {
    const data = oneImage(new Uint8Array(48).fill(77), [4, 4, 3]);
    for (const values of variants(data, { randomResizedCrop: {} }, 30))
      expect(new Set(values)).toEqual(new Set([77]));
  });
});
