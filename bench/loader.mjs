// Images per second of a walk over a folder, against sharp alone, which reads, decodes and resizes the same files. Both
// in this process, in turns, so that a change of the machine's speed meets both alike.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { imageFolder, preprocessings } from '../dist/index.js';

const [width, height] = [500, 375];
const size = 224;

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

async function sharpAlone(files) {
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const file = files[next];
      next += 1;
      await sharp(file).resize(size, size, { fit: 'cover' }).removeAlpha().raw().toBuffer();
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

async function walk(data) {
  for await (const batch of data.batches({ batchSize: 32, shuffle: true })) batch.images.at(-1);
}

const timed = async (action) => {
  const start = performance.now();
  await action();
  return performance.now() - start;
};

/** @returns {Promise<object[]>} for training and validation: images per second, and their ratio to sharp's alone */
export async function measureLoader({ rounds, median, images = 400 }) {
  const folder = await makeFolder(images);
  try {
    const preprocessing = preprocessings.imagenet;
    const { train: plain } = await imageFolder(folder, { preprocessing, validation: 0 });
    const contenders = {
      sharp: () => sharpAlone(plain.files),
      training: () => walk(plain.augmented({ flip: true, randomResizedCrop: {} })),
      validation: () => walk(plain),
    };
    for (const run of Object.values(contenders)) await run();
    const times = { sharp: [], training: [], validation: [] };
    for (let round = 0; round < rounds; round += 1) {
      const order = Object.entries(contenders);
      for (const [name, run] of round % 2 === 0 ? order : order.toReversed())
        times[name].push(await timed(run));
    }
    const perSecond = (name) => images / (median(times[name]) / 1000);
    return ['training', 'validation'].map((name) => ({
      measure: `loader, ${name}, ${images} JPEGs of ${width}x${height} to ${size}x${size}`,
      imagesPerSecond: perSecond(name),
      sharpPerSecond: perSecond('sharp'),
      ratio: median(times[name].map((ms, i) => times.sharp[i] / ms)),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
