// Folders of JPEGs like photographs, made anew.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

/** Sides of a photograph. */
export const [width, height] = [500, 375];

/** Photo-like pixels: waves of several lengths in three colours, edges and some grain. */
function photo(seed) {
  const data = new Uint8Array(width * height * 3);
  let grain = seed * 7919 + 1;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const edge = (x * (1 + (seed % 3)) + y * 2) % 160 < 80 ? 40 : 0;
      for (let c = 0; c < 3; c += 1) {
        grain = (Math.imul(grain, 1664525) + 1013904223) >>> 0;
        const wave =
          Math.sin(x / (20 + c * 9 + (seed % 7))) + Math.cos(y / (15 + c * 5)) + Math.sin((x + y) / 4);
        data[(y * width + x) * 3 + c] = 100 + 25 * wave + edge + (grain >>> 28);
      }
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality: 90 });
}

async function makeFolder(images) {
  const folder = mkdtempSync(join(tmpdir(), 'senet-loader-'));
  for (const name of ['a', 'b']) mkdirSync(join(folder, name));
  for (let i = 0; i < images; i += 1)
    await photo(i).toFile(join(folder, i % 2 === 0 ? 'a' : 'b', `${i}.jpg`));
  return folder;
}

/** Does something with a folder of so many images in two classes, which is removed after. */
export async function withPhotos(images, action) {
  const folder = await makeFolder(images);
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
