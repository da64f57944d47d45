import { describe, expect, test } from 'vitest';
import { rotate } from '../../../lib/data/augment/rotate.ts';
import { mean, oneImage, variants } from './one_image.ts';

const square = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), height: 3, width: 3, channels: 1 };

describe('rotate', () => {
  test('turns counterclockwise by quarters exactly', () => {
    expect(rotate(square, 0).data).toEqual(square.data);
    expect([...rotate(square, 90).data]).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7]);
    expect([...rotate(square, 180).data]).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect([...rotate(square, -90).data]).toEqual([7, 4, 1, 8, 5, 2, 9, 6, 3]);
  });

  test('keeps the channels of a pixel together, in even and odd sizes', () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const turned = rotate({ data, height: 4, width: 3, channels: 2 }, 180);
    expect([...turned.data]).toEqual(Array.from({ length: 12 }, (_, i) => [22 - 2 * i, 23 - 2 * i]).flat());
    expect([turned.height, turned.width, turned.channels]).toEqual([4, 3, 2]);
  });

  test('is black outside, and by 45 degrees the corners are outside', () => {
    const data = new Uint8Array(81).fill(200);
    const turned = rotate({ data, height: 9, width: 9, channels: 1 }, 45).data;
    for (const corner of [0, 8, 72, 80]) expect(turned[corner]).toBe(0);
    expect(turned[40]).toBe(200);
  });

  test('angles are even over their range', () => {
    // A spot far to the right goes up and down with the angle.
    const side = 401;
    const data = new Uint8Array(side * side);
    for (let y = -2; y <= 2; y++) data.fill(255, (200 + y) * side + 380, (200 + y) * side + 385);
    const angles = variants(oneImage(data, [side, side, 1]), { rotate: 30 }, 200).map((turned) => {
      const at = [...turned.keys()].filter((i) => turned[i]! > 0);
      const y = 200 - mean(at.map((i) => Math.floor(i / side)));
      return (Math.atan2(y, mean(at.map((i) => i % side)) - 200) * 180) / Math.PI;
    });
    expect(Math.max(...angles.map(Math.abs))).toBeLessThan(30.2);
    expect(Math.min(...angles)).toBeLessThan(-28);
    expect(Math.max(...angles)).toBeGreaterThan(28);
    // Of 200 even numbers the mean has a deviation of 60 / sqrt(12 * 200) = 1.2.
    expect(Math.abs(mean(angles))).toBeLessThan(5);
  });
});
