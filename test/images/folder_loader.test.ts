/** Folders as data: where images are, what of broken ones, and how augmented images come about. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodePart, decodeWhole, readImage } from '../../lib/images/decode.ts';
import { resizeImage } from '../../lib/images/resize.ts';
import {
  ArgumentError,
  ArgumentRangeError,
  type Batch,
  type BatchOptions,
  FileError,
  type FolderDataset,
  floatImages,
  imageFolder,
  preprocessings,
} from '../../lib/index.ts';
import { runScript } from '../scripts/run_script.ts';

const root = mkdtempSync(join(tmpdir(), 'senet-loader-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const preprocessing = preprocessings.cifar10;

/** Waves that a resizing filter can follow, other ones for each image. */
const pixels = (width: number, height: number, i: number) =>
  Uint8Array.from({ length: width * height * 3 }, (_, k) => {
    const [x, y] = [Math.floor(k / 3) % width, Math.floor(k / 3 / width)];
    return 128 + 60 * Math.sin(x / (9 + i)) + 60 * Math.cos(y / (7 + (k % 3) + i));
  });

beforeAll(async () => {
  for (const name of ['ant', 'bee', 'cat']) {
    mkdirSync(join(root, 'all', name), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const [width, height] = [60 + i, 48];
      const image = sharp(pixels(width, height, i), { raw: { width, height, channels: 3 } });
      await image.png().toFile(join(root, 'all', name, `${i}.png`));
    }
  }
});

async function all(data: FolderDataset, options: BatchOptions): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of data.batches(options)) found.push(batch);
  return found;
}

/** A copy of the folder with some files damaged. */
function damaged(name: string, ...files: string[]): string {
  const folder = join(root, name);
  cpSync(join(root, 'all'), folder, { recursive: true });
  for (const file of files)
    writeFileSync(join(folder, file), readFileSync(join(folder, file)).subarray(0, 300));
  return folder;
}

describe('broken images', () => {
  test('end the walk by default', async () => {
    const { train } = await imageFolder(damaged('error', 'bee/2.png'), { preprocessing, validation: 0 });
    await expect(all(train, { batchSize: 4 })).rejects.toThrow(FileError);
    await expect(all(train, { batchSize: 4 })).rejects.toThrow(/bee\/2\.png: expected a whole PNG image/);
    expect(train.broken).toEqual([]);
  });

  test('are replaced by the next whole one, and listed', async () => {
    const options = { preprocessing, validation: 0, broken: 'skip' } as const;
    const folder = damaged('skip', 'ant/5.png', 'bee/0.png', 'cat/5.png');
    const { train } = await imageFolder(folder, options);
    const whole = await imageFolder(join(root, 'all'), options);
    const [found] = await all(train, { batchSize: 18 });
    const [expected] = await all(whole.train, { batchSize: 18 });
    const image = (batch: Batch | undefined, i: number) => batch!.images.subarray(i * 3072, (i + 1) * 3072);
    for (let i = 0; i < 18; i++) {
      const from = i === 5 || i === 6 ? 7 : i === 17 ? 0 : i;
      expect(image(found, i)).toEqual(image(expected, from));
      expect(found!.labels[i]).toBe(expected!.labels[from]);
    }
    expect(train.broken.map(({ file }) => file)).toEqual(
      ['ant/5.png', 'bee/0.png', 'cat/5.png'].map((file) => join(folder, file)),
    );
    for (const { file, reason } of train.broken)
      expect(reason).toContain(`${file}: expected a whole PNG image`);
    // Another augmentation of the same files has the same list, and the same walk twice gives the same bits.
    const data = train.augmented({ flip: true, crop: 4 });
    expect(data.broken).toEqual(train.broken);
    const walk = { batchSize: 5, shuffle: true, seed: 3 };
    expect(await all(data, walk)).toEqual(await all(data, walk));
    expect(data.broken.length).toBe(3);
  });

  test('are others than those that cannot be opened', async () => {
    const folder = damaged('unopened', 'ant/0.png');
    const { train } = await imageFolder(folder, { preprocessing, broken: 'skip', validation: 0 });
    rmSync(join(folder, 'ant/1.png'));
    await expect(all(train, { batchSize: 18 })).rejects.toThrow(/ant\/1\.png: cannot open: ENOENT/);
    expect(train.broken.map(({ file }) => file)).not.toContain(join(folder, 'ant/1.png'));
  });

  test('that are all there is are an error', async () => {
    const folder = join(root, 'none');
    mkdirSync(join(folder, 'a'), { recursive: true });
    writeFileSync(join(folder, 'a', '1.png'), '');
    writeFileSync(join(folder, 'a', '2.jpg'), 'text');
    const { train } = await imageFolder(folder, { preprocessing, broken: 'skip', validation: 0 });
    await expect(all(train, { batchSize: 1 })).rejects.toThrow(
      /1\.png: expected a whole image, all 2 are broken/,
    );
    expect(train.broken.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/received an empty file/),
      expect.stringMatching(/starts with the bytes 74657874/),
    ]);
  });
});

describe('folders to train and to validate', () => {
  test.each(['val', 'validation'])('train and %s are recognised', async (name) => {
    const folder = join(root, `split ${name}`);
    cpSync(join(root, 'all'), join(folder, 'train'), { recursive: true });
    cpSync(join(root, 'all', 'bee'), join(folder, name, 'bee'), { recursive: true });
    const { classes, train, validation } = await imageFolder(folder, { preprocessing });
    expect(classes).toEqual(['ant', 'bee', 'cat']);
    expect([train.size, validation?.size, validation?.classes]).toEqual([18, 6, 3]);
    const [batch] = await all(validation!, { batchSize: 6 });
    expect(new Set(batch!.labels)).toEqual(new Set([1]));
    await expect(imageFolder(folder, { preprocessing, validation: 0.1 })).rejects.toThrow(
      /validation: expected nothing, as .* has folders train and/,
    );
  });

  test('validation names a folder', async () => {
    const held = join(root, 'held');
    cpSync(join(root, 'all', 'cat'), join(held, 'cat'), { recursive: true });
    const { train, validation } = await imageFolder(join(root, 'all'), { preprocessing, validation: held });
    expect([train.size, validation?.size]).toEqual([18, 6]);
    renameSync(join(held, 'cat'), join(held, 'dog'));
    await expect(imageFolder(join(root, 'all'), { preprocessing, validation: held })).rejects.toThrow(
      /dog: expected a class that is trained/,
    );
    await expect(imageFolder(join(root, 'all'), { preprocessing, validation: '' })).rejects.toThrow(
      ArgumentRangeError,
    );
  });

  test.each([
    [{ validation: -0.1 }, /validation: expected a folder or a share/],
    [{ broken: 'drop' as never }, /broken: expected 'error' or 'skip', received drop/],
    [{ prefetch: 0 }, /prefetch: .* 1 to 64, received 0/],
  ])('wrong options %j', async (options, message) => {
    await expect(imageFolder(join(root, 'all'), { preprocessing, ...options })).rejects.toThrow(message);
  });
});

describe('augmented folders', () => {
  test('classes become distributions where images are mixed', async () => {
    const { train } = await imageFolder(join(root, 'all'), { preprocessing, validation: 0 });
    const [batch] = await all(train.augmented({ cutmix: 1 }), { batchSize: 18, shuffle: true });
    expect([batch!.labels.length, batch!.labels.constructor]).toEqual([54, Float32Array]);
    expect(() => train.augmented({ cutout: -1 })).toThrow(ArgumentRangeError);
    expect(() => train.augmented(1 as never)).toThrow(ArgumentError);
    expect(train.augmented({ rotate: 5 }).augmentation).toEqual({ rotate: 5 });
  });

  test('each step is that of datasets in memory', async () => {
    const { train } = await imageFolder(join(root, 'all'), { preprocessing, validation: 0 });
    const [plain] = await all(train, { batchSize: 18 });
    const [flipped] = await all(train.augmented({ flip: true }), { batchSize: 18 });
    const row = (batch: Batch, i: number) => floatImages(batch).subarray(i * 3072, i * 3072 + 96);
    const mirrored = (values: Float32Array) =>
      values.map((_, k) => values[(31 - Math.floor(k / 3)) * 3 + (k % 3)]!);
    const kinds = Array.from({ length: 18 }, (_, i) => {
      if (row(flipped!, i).join() === row(plain!, i).join()) return 'same';
      expect(row(flipped!, i)).toEqual(mirrored(row(plain!, i)));
      return 'mirrored';
    });
    expect(new Set(kinds).size).toBe(2);
    const [hidden] = await all(train.augmented({ cutout: 8 }), { batchSize: 18 });
    const shown = floatImages(plain!);
    for (const [k, value] of hidden!.images.entries()) if (value !== 0) expect(value).toBe(shown[k]);
  });
});

describe('a part of a file', () => {
  const [width, height] = [640, 480];
  /** Mean difference of the part resized by sharp from the same of the whole image resized as Pillow does. */
  async function difference(path: string, box: { left: number; top: number; width: number; height: number }) {
    const image = await readImage(path, 1e9);
    const found = await decodePart(image, box, { width: 64, height: 48 }, 'bilinear');
    const whole = await decodeWhole(image);
    expect([whole.width, whole.height]).toEqual([image.width, image.height]);
    const cut = new Uint8Array(box.width * box.height * 3);
    for (let y = 0; y < box.height; y++) {
      const start = ((box.top + y) * whole.width + box.left) * 3;
      cut.set(whole.data.subarray(start, start + box.width * 3), y * box.width * 3);
    }
    const expected = await resizeImage({ ...box, data: cut }, 64, 48, 'bilinear');
    const differences = [...expected.data].map((value, i) => Math.abs(value - found.data[i]!));
    return differences.reduce((a, b) => a + b, 0) / differences.length;
  }

  beforeAll(async () => {
    const image = () => sharp(pixels(width, height, 30), { raw: { width, height, channels: 3 } });
    await image().png().toFile(join(root, 'large.png'));
    await image().jpeg({ quality: 95 }).toFile(join(root, 'large.jpg'));
    await image().jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toFile(join(root, 'lying.jpg'));
  });

  test.each(['large.png', 'large.jpg', 'lying.jpg'])('of %s is what it shows', async (name) => {
    const path = join(root, name);
    expect(await difference(path, { left: 101, top: 53, width: 90, height: 70 })).toBe(0);
    // One that a JPEG is decoded smaller for, at whole pixels of the result, here.
    const large = await difference(path, { left: 20, top: 30, width: 320, height: 240 });
    if (name === 'large.png') expect(large).toBe(0);
    else expect(large).toBeLessThan(1);
  });

  test('a window of a resized image has its pixels', async () => {
    const image = { data: pixels(61, 47, 2), width: 61, height: 47 };
    for (const [toWidth, toHeight] of [
      [40, 30],
      [61, 30],
      [40, 47],
      [90, 100],
      [61, 47],
    ] as const) {
      const whole = await resizeImage(image, toWidth, toHeight, 'bicubic');
      const window = { top: 7, left: 5, width: 20, height: 21 };
      const part = await resizeImage(image, toWidth, toHeight, 'bicubic', window);
      for (let y = 0; y < 21; y++) {
        const start = ((7 + y) * toWidth + 5) * 3;
        expect(part.data.subarray(y * 60, (y + 1) * 60)).toEqual(whole.data.subarray(start, start + 60));
      }
    }
  });
});

test('a walk that is left lets the process end', async () => {
  const script = 'test/process/scripts/leave_folder.mjs';
  for (const how of ['break', 'forget']) {
    const { code, stdout, stderr } = await runScript(script, [join(root, 'all'), how]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^left after 2 of 18\n$/);
  }
});
