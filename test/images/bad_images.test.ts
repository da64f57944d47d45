/** Files that are no images, or no longer: each is refused with a code and its name, and nothing crashes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../lib/images/decode.ts';
import { defaultLimitPixels } from '../../lib/images/image.ts';
import { createModel, FileError } from '../../lib/index.ts';
import { badImages, goodImages } from './bad_images.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-bad-images-'));
const bad = await badImages();
const model = createModel('se_resnet14', { classes: 2 });
afterAll(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('each bad file is refused by its name', () => {
  test.each(bad.map((one) => [one.name, one] as const))('%s', async (name, { bytes, message }) => {
    const path = join(folder, `${name.replaceAll(/\W+/g, '_')}.jpg`);
    writeFileSync(path, bytes);
    const fromFile: unknown = await model.predict(path).catch((error: unknown) => error);
    expect(fromFile).toBeInstanceOf(FileError);
    expect(fromFile).toMatchObject({ code: 'ERR_SENET_FILE', path, message: expect.stringMatching(message) });
    const fromBytes: unknown = await model.predict(bytes).catch((error: unknown) => error);
    expect(fromBytes).toMatchObject({ code: 'ERR_SENET_FILE', path: 'image' });
  });
});

/** A small generator of numbers in [0, limit). */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('2,000 mutations: an image or an error with a code, of no more than the limit', async () => {
  const good = Object.values(await goodImages());
  const random = generator(20260);
  const outcomes = { read: 0, refused: 0 };
  for (let i = 0; i < 2000; i++) {
    let bytes = good[i % good.length]!.slice();
    for (let k = 0; k <= random(4); k++) bytes[random(bytes.length)] = random(256);
    if (random(4) === 0) bytes = bytes.slice(0, random(bytes.length));
    const result: unknown = await decodeImage(bytes, `mutation ${i}`, 2 ** 20).catch(
      (error: unknown) => error,
    );
    if (result instanceof Error) {
      expect(result).toMatchObject({ code: 'ERR_SENET_FILE', path: `mutation ${i}` });
      outcomes.refused++;
    } else {
      const { width, height, data } = result as { width: number; height: number; data: Uint8Array };
      expect(data.length).toBe(width * height * 3);
      expect(data.length).toBeLessThanOrEqual(2 ** 20);
      outcomes.read++;
    }
  }
  expect(outcomes.read + outcomes.refused).toBe(2000);
  expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(100);
});

test('after all of them good files are read as before', async () => {
  for (const bytes of Object.values(await goodImages()))
    expect(await decodeImage(bytes, 'good', defaultLimitPixels)).toMatchObject({ width: 24, height: 20 });
});
