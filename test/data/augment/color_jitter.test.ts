import { describe, expect, test } from 'vitest';
import { changeColors, drawColorChanges } from '../../../lib/data/augment/color_jitter.ts';
import { draws, randomUse, seedKey } from '../../../lib/data/random.ts';
import { bytes, oneImage, variants } from './one_image.ts';

const rgb = (...data: number[]) => ({
  data: Float32Array.of(...data),
  height: 1,
  width: data.length / 3,
  channels: 3,
});
const changed = (picture: ReturnType<typeof rgb>, ...changes: Parameters<typeof changeColors>[2]) => [
  ...changeColors(picture, 1, changes).data,
];

describe('changeColors', () => {
  test('brightness multiplies and stays between black and white', () => {
    expect(changed(rgb(0.25, 0.5, 0.75), ['brightness', 1.5])).toEqual([0.375, 0.75, 1]);
    expect(changed(rgb(0.25, 0.5, 0.75), ['brightness', 0])).toEqual([0, 0, 0]);
  });

  test('contrast moves away from the mean brightness', () => {
    const two = rgb(0.25, 0.25, 0.25, 0.75, 0.75, 0.75);
    expect(changed(two, ['contrast', 0.5])).toEqual([0.375, 0.375, 0.375, 0.625, 0.625, 0.625]);
    expect(changed(two, ['contrast', 4])).toEqual([0, 0, 0, 1, 1, 1]);
    // Red alone weighs 0.299.
    const [red, green] = changed(rgb(1, 0, 0), ['contrast', 0]);
    expect([red, green]).toEqual([Math.fround(0.299), Math.fround(0.299)]);
  });

  test("saturation moves away from each pixel's brightness", () => {
    expect(changed(rgb(0, 1, 0, 0, 0, 1), ['saturation', 0]).map((value) => value.toFixed(3))).toEqual(
      [0.587, 0.587, 0.587, 0.114, 0.114, 0.114].map((value) => value.toFixed(3)),
    );
    expect(changed(rgb(0.5, 0.5, 0.5), ['saturation', 3])).toEqual([0.5, 0.5, 0.5]);
  });

  test('a constant grey image knows brightness alone', () => {
    const grey = { data: new Uint8Array(12).fill(100), height: 2, width: 2, channels: 3 };
    expect([
      ...changeColors(grey, 255, [
        ['contrast', 1.7],
        ['saturation', 0.3],
      ]).data,
    ]).toEqual(Array(12).fill(100));
    expect([...changeColors(grey, 255, [['brightness', 1.115]]).data]).toEqual(Array(12).fill(112));
    expect([...changeColors(grey, 255, [['brightness', 9]]).data]).toEqual(Array(12).fill(255));
  });

  test('changes follow one another', () => {
    const two = rgb(0.25, 0.25, 0.25, 0.75, 0.75, 0.75);
    const first = changeColors(two, 1, [['brightness', 1.5]]);
    expect(changed(two, ['brightness', 1.5], ['contrast', 0.5])).toEqual([
      ...changeColors(first, 1, [['contrast', 0.5]]).data,
    ]);
  });

  test('one channel has contrast and no saturation', () => {
    const grey = { data: Float32Array.of(0.25, 0.75), height: 1, width: 2, channels: 1 };
    expect([
      ...changeColors(grey, 1, [
        ['saturation', 0],
        ['contrast', 0.5],
      ]).data,
    ]).toEqual([0.375, 0.625]);
  });
});

describe('colorJitter', () => {
  test('factors are even over their ranges, in all orders', () => {
    const jitter = { brightness: 0.4, contrast: 2, saturation: 0.1 };
    const samples = Array.from({ length: 6000 }, (_, i) =>
      drawColorChanges(jitter, draws(seedKey(1), i, 0, randomUse.colorJitter)),
    );
    for (const [part, low, high] of [
      ['brightness', 0.6, 1.4],
      ['contrast', 0, 3],
      ['saturation', 0.9, 1.1],
    ] as const) {
      const factors = samples.map((changes) => changes.find(([name]) => name === part)![1]);
      expect(Math.min(...factors)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...factors)).toBeLessThan(high);
      for (const quarter of [0.25, 0.5, 0.75]) {
        const below =
          factors.filter((factor) => factor < low + quarter * (high - low)).length / factors.length;
        // Five deviations of sqrt(0.25 / 6000).
        expect(Math.abs(below - quarter)).toBeLessThan(0.033);
      }
    }
    const orders = new Map<string, number>();
    for (const changes of samples) {
      const order = changes.map(([name]) => name).join();
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(6);
    // Five deviations of sqrt(6000 * 1/6 * 5/6).
    for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(145);
  });

  test('what is 0 is not done', () => {
    const draw = draws(seedKey(1), 0, 0, randomUse.colorJitter);
    expect(
      drawColorChanges({ brightness: 0, contrast: 0.5, saturation: 0 }, draw).map(([name]) => name),
    ).toEqual(['contrast']);
    const data = oneImage(bytes(12), [2, 2, 3]);
    expect([...variants(data, { colorJitter: {} }, 1)[0]!]).toEqual([...bytes(12)]);
  });

  test('white is 255 for bytes and 1 after scaling for floats', () => {
    const jitter = { colorJitter: { brightness: 5 } };
    const most = (values: Float32Array[]) => Math.max(...values.map((one) => Math.max(...one)));
    expect(most(variants(oneImage(bytes(12), [2, 2, 3]), jitter, 20))).toBe(255);
    const floats = Float32Array.from(bytes(12));
    expect(most(variants(oneImage(floats, [2, 2, 3], { scale: 1 / 255 }), jitter, 20))).toBe(1);
    expect(
      most(
        variants(
          oneImage(
            floats.map((v) => v / 255),
            [2, 2, 3],
          ),
          jitter,
          20,
        ),
      ),
    ).toBe(1);
  });
});
