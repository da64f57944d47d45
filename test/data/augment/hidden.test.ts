/** Cutout and random erasing, which hide parts of normalized images. */
import { describe, expect, test } from 'vitest';
import { cutoutBox } from '../../../lib/data/augment/cutout.ts';
import { erasedBox } from '../../../lib/data/augment/random_erasing.ts';
import { draws, randomUse, seedKey } from '../../../lib/data/random.ts';
import { oneImage, variants } from './one_image.ts';

/** Draws these numbers. */
const given =
  (...numbers: number[]) =>
  () =>
    numbers.shift()!;

/** Rows and columns of the zeros in a picture; undefined where they are no rectangle. */
function rectangle(values: Float32Array, width: number) {
  const zeros = [...values.keys()].filter((i) => values[i] === 0);
  if (zeros.length === 0) return undefined;
  const rows = zeros.map((i) => Math.floor(i / width));
  const columns = zeros.map((i) => i % width);
  const [top, left] = [Math.min(...rows), Math.min(...columns)];
  const [height, breadth] = [Math.max(...rows) + 1 - top, Math.max(...columns) + 1 - left];
  expect(zeros.length).toBe(height * breadth);
  return { top, left, height, width: breadth };
}

describe('cutout', () => {
  test('hides a square about any pixel, as far as it lies inside', () => {
    expect(cutoutBox(8, 8, 4, given(0.5, 0.5))).toEqual({ top: 2, left: 2, height: 4, width: 4 });
    expect(cutoutBox(8, 8, 3, given(0.5, 0.5))).toEqual({ top: 3, left: 3, height: 3, width: 3 });
    expect(cutoutBox(8, 8, 4, given(0, 0.999))).toEqual({ top: 0, left: 5, height: 2, width: 3 });
    expect(cutoutBox(2, 3, 20, given(0.4, 0.4))).toEqual({ top: 0, left: 0, height: 2, width: 3 });
  });

  test('hidden is 0 after normalization, the rest is as it was', () => {
    const data = oneImage(new Uint8Array(7 * 9).fill(100), [7, 9, 1], { mean: [20], std: [2] });
    const corners = new Set<string>();
    for (const values of variants(data, { cutout: 3 }, 800)) {
      expect(new Set(values)).toEqual(new Set([0, 40]));
      const { top, left, height, width } = rectangle(values, 9)!;
      corners.add([top, left, height, width].join());
    }
    // One for each pixel that can be the centre.
    expect(corners.size).toBe(63);
  });

  test('hides all channels', () => {
    const data = oneImage(new Uint8Array(4 * 4 * 3).fill(100), [4, 4, 3]);
    for (const values of variants(data, { cutout: 2 }, 20))
      for (let i = 0; i < values.length; i += 3) expect(values[i]).toBe(values[i + 2]);
  });
});

describe('randomErasing', () => {
  const options = { probability: 0.25, area: [0.1, 0.3], ratio: [0.5, 2] } as const;

  test('area and proportions are as drawn', () => {
    // Area 0.2 of 100 x 50, proportions 1: a square of 31.6.
    expect(erasedBox(100, 50, options, given(0.2, 0.5, 0.5, 0, 0.999))).toEqual({
      top: 0,
      left: 18,
      height: 32,
      width: 32,
    });
    expect(erasedBox(100, 50, options, given(0.25))).toBeUndefined();
    // Twice as high as wide.
    expect(erasedBox(100, 50, options, given(0, 0.5, 0.9999, 0.5, 0.5))).toMatchObject({
      height: 45,
      width: 22,
    });
  });

  test('is left out where ten rectangles were too large', () => {
    let drawn = 0;
    const draw = () => {
      drawn += 1;
      return 0.5;
    };
    expect(erasedBox(2, 2, { probability: 1, area: [1, 1], ratio: [1, 1] }, draw)).toBeUndefined();
    expect(drawn).toBe(21);
  });

  test('shares, areas and proportions over many samples', () => {
    const [height, width] = [400, 300];
    const boxes = Array.from({ length: 8000 }, (_, i) =>
      erasedBox(height, width, options, draws(seedKey(3), i, 0, randomUse.randomErasing)),
    ).filter((box) => box !== undefined);
    // Five deviations of sqrt(0.25 * 0.75 / 8000).
    expect(Math.abs(boxes.length / 8000 - 0.25)).toBeLessThan(0.025);
    const areas = boxes.map((box) => (box.height * box.width) / (height * width));
    const ratios = boxes.map((box) => box.height / box.width);
    expect(Math.min(...areas)).toBeGreaterThan(0.099);
    expect(Math.max(...areas)).toBeLessThan(0.301);
    expect(Math.min(...ratios)).toBeGreaterThan(0.49);
    expect(Math.max(...ratios)).toBeLessThan(2.02);
    const below = (values: number[], limit: number) =>
      values.filter((value) => value < limit).length / values.length;
    expect(Math.abs(below(areas, 0.2) - 0.5)).toBeLessThan(0.06);
    expect(Math.abs(below(ratios, 1) - 0.5)).toBeLessThan(0.06);
  });

  test('hides a rectangle of 0 after normalization', () => {
    const data = oneImage(new Uint8Array(20 * 30).fill(100), [20, 30, 1], { mean: [20], std: [2] });
    const found = variants(data, { randomErasing: {} }, 300).map((values) => rectangle(values, 30));
    const share = found.filter((box) => box !== undefined).length / 300;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.15);
  });
});
