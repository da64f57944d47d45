// The time of a training step whose batches come from a folder of JPEGs, against the same step on one batch in memory, and
// the processor time that decoding takes. Both train the same model in this process, in turns.
import { createModel, imageFolder, schedules, sgd } from '../../dist/index.js';
import { withPhotos } from '../photos.mjs';

const [batch, size] = [16, 224];

/** Median milliseconds from step to step of one call of `fit`; the first ones fill the queue of batches. */
async function stepMs(model, batches, median) {
  const times = [];
  let last;
  const onStepEnd = () => {
    const now = performance.now();
    if (last !== undefined) times.push(now - last);
    last = now;
  };
  await model.fit(batches, { epochs: 1, batchSize: batch, callbacks: [{ onStepEnd }] });
  return median(times.slice(1));
}

/** Processor milliseconds of an image that is read, decoded and augmented with nothing beside it. */
async function loadingMs(data, images) {
  const start = process.cpuUsage();
  for await (const { images: bytes } of data.batches({ batchSize: batch })) bytes.at(-1);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / images;
}

/** @returns {Promise<object>} milliseconds of a step with either, and their ratio */
export async function measureLoaderTraining({ rounds, median, threads, steps = 6 }) {
  const images = steps * batch;
  return withPhotos(images, async (folder) => {
    const model = createModel('se_resnet50', { input: [size, size, 3] });
    try {
      const optimizer = sgd({ momentum: 0.9, weightDecay: 1e-4 });
      await model.compile({ threads, optimizer, schedule: schedules.constant({ lr: 0.01 }) });
      const { train } = await imageFolder(folder, { preprocessing: model.preprocessing, validation: 0 });
      const data = train.augmented({ flip: true, randomResizedCrop: {} });
      const first = await data.batches({ batchSize: batch }).next();
      const contenders = { folder: data, memory: Array.from({ length: steps }, () => first.value) };
      await stepMs(model, contenders.memory, median);
      const times = { folder: [], memory: [] };
      for (let round = 0; round < rounds; round += 1) {
        const order = Object.entries(contenders);
        for (const [name, batches] of round % 2 === 0 ? order : order.toReversed())
          times[name].push(await stepMs(model, batches, median));
      }
      return {
        measure: `se_resnet50 training step, batch ${batch}, JPEGs of a folder against a batch in memory`,
        folderMs: median(times.folder),
        memoryMs: median(times.memory),
        ratio: median(times.folder.map((ms, i) => ms / times.memory[i])),
        loadingCpuMsPerImage: await loadingMs(data, images),
      };
    } finally {
      model.dispose();
    }
  });
}
