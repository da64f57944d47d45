/** Decoding, sizes and crops against Pillow and torchvision (fixtures/make_images.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cropsOf, PartWriter } from '../../lib/images/crops.ts';
import { decodeImage } from '../../lib/images/decode.ts';
import { defaultLimitPixels, type Pixels } from '../../lib/images/image.ts';
import { type Preprocessing, preprocessings } from '../../lib/images/preprocessing.ts';
import { type Interpolation, resizeImage, sizeWithShortSide } from '../../lib/images/resize.ts';

interface StoredPixels {
  width: number;
  height: number;
  data: string;
}
interface Fixture {
  resizes: { from: StoredPixels; interpolation: Interpolation; to: StoredPixels }[];
  crops: { from: StoredPixels; center: StoredPixels; ten: string[] }[];
  files: { name: string; file: string; pixels: StoredPixels }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/images.json', import.meta.url), 'utf8'),
) as Fixture;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
const pixels = ({ width, height, data }: StoredPixels): Pixels => ({ width, height, data: bytes(data) });
const size = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`;

describe('resizing is Pillow’s, bit for bit', () => {
  test.each(
    fixture.resizes.map((one) => [`${size(one.from)} -> ${size(one.to)} ${one.interpolation}`, one] as const),
  )('%s', async (_, { from, interpolation, to }) => {
    expect(await resizeImage(pixels(from), to.width, to.height, interpolation)).toEqual(pixels(to));
  });
});

const small: Preprocessing = { ...preprocessings.imagenet, resize: 20, crop: 15 };

describe('sizes and crops are torchvision’s', () => {
  test.each(fixture.crops.map((one) => [size(one.from), one] as const))('%s', async (_, one) => {
    const from = pixels(one.from);
    const { width, height } = sizeWithShortSide(from, small.resize);
    const resized = await resizeImage(from, width, height, 'bilinear');
    const writer = new PartWriter(small);
    const cut = (kind: 'center' | 'ten') =>
      cropsOf(resized, small, kind).map((crop) => {
        const out = new Uint8Array(writer.size);
        writer.write(resized, crop, out, 0);
        return Buffer.from(out).toString('base64');
      });
    expect(cut('center')).toEqual([one.center.data]);
    expect(cut('ten').sort()).toEqual([...one.ten].sort());
  });
});

describe('files have Pillow’s pixels', () => {
  test.each(fixture.files.map((one) => [one.name, one] as const))(
    '%s',
    async (name, { file, pixels: stored }) => {
      const decoded = await decodeImage(bytes(file), name, defaultLimitPixels);
      const expected = pixels(stored);
      expect(size(decoded)).toBe(size(expected));
      const differences = Array.from(decoded.data, (value, i) => Math.abs(value - expected.data[i]!));
      const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      // What CMYK without a profile looks like is the decoder's guess: 20 levels apart on average.
      expect(mean).toBeLessThanOrEqual(name === 'cmyk.jpg' ? 30 : 0);
    },
  );
});
