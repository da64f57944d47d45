/** What resizing refuses; its pixels are in reference.test.ts. */
import { describe, expect, test } from 'vitest';
import { ArgumentError, OutOfMemoryError } from '../../lib/errors.ts';
import { resizeImage } from '../../lib/images/resize.ts';

const image = { data: new Uint8Array(4 * 3 * 3).fill(9), width: 4, height: 3 };

describe('resizeImage', () => {
  test('one pixel becomes many, and many one', async () => {
    const large = await resizeImage({ data: Uint8Array.of(1, 2, 3), width: 1, height: 1 }, 5, 4, 'bicubic');
    expect(large.data).toEqual(Uint8Array.from({ length: 60 }, (_, i) => 1 + (i % 3)));
    expect((await resizeImage(image, 1, 1, 'bilinear')).data).toEqual(Uint8Array.of(9, 9, 9));
  });

  test.each([
    [
      'too few bytes',
      { ...image, data: image.data.subarray(1) },
      /expected 36 bytes of 3 x 4 x 3, received 35/,
    ],
    ['no width', { ...image, width: 0 }, /sides from 1 to 16777216, received 0/],
    ['a height below 0', { ...image, height: -3 }, /height: out of range/],
    ['a width of no number', { ...image, width: Number.NaN }, /width: out of range/],
    ['no bytes', { ...image, data: [1, 2, 3] as never }, /expected a typed array/],
  ])('%s', async (_, wrong, message) => {
    await expect(resizeImage(wrong, 2, 2, 'bilinear')).rejects.toThrow(ArgumentError);
    await expect(resizeImage(wrong, 2, 2, 'bilinear')).rejects.toThrow(message);
  });

  test.each([
    { top: 0, left: 1, width: 2, height: 2 },
    { top: 2, left: 0, width: 2, height: 1 },
    { top: 0, left: 0, width: 3, height: 1 },
  ])('a window outside the result, %j', async (window) => {
    await expect(resizeImage(image, 2, 2, 'bilinear', window)).rejects.toThrow(/a part inside the image/);
  });

  test('a result that no memory holds', async () => {
    await expect(resizeImage(image, 2 ** 24, 2 ** 24, 'bilinear')).rejects.toThrow(OutOfMemoryError);
  });
});
