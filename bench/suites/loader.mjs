// Images per second of a walk over a folder, against sharp alone, which reads, decodes and resizes the same files. Both
// in this process, in turns, so that a change of the machine's speed meets both alike.
import sharp from 'sharp';
import { imageFolder, preprocessings } from '../../dist/index.js';
import { height, width, withPhotos } from '../photos.mjs';

const size = 224;

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
  return withPhotos(images, async (folder) => {
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
  });
}
