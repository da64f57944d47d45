// Time from a model's graph to a program that runs, without initial weights and without the first run.
import { createModel, schedules, sgd } from '../dist/index.js';

/** @returns {Promise<object>} seconds to compile se_resnet50 (training: batch 16; inference: batch 1) */
export async function measureCompile({ training, rounds, median }) {
  const batch = training ? 16 : 1;
  const seconds = [];
  for (let round = 0; round < rounds; round += 1) {
    const model = createModel('se_resnet50', { strideIn: '1x1' });
    await model.compile({ optimizer: sgd(), schedule: schedules.constant({ lr: 0.01 }) });
    const images = new Float32Array(batch * 224 * 224 * 3);
    const labels = new Int32Array(batch);
    const run = training
      ? () => model.trainBatch({ images, labels, size: batch }, { lr: 0 })
      : () => model.predict(images, { batchSize: batch });
    const timed = async () => {
      const start = performance.now();
      await run();
      return performance.now() - start;
    };
    // The first call compiles and runs, later ones only run.
    const first = await timed();
    const later = median([await timed(), await timed(), await timed()]);
    seconds.push((first - later) / 1000);
    model.dispose();
  }
  return { measure: `compile se_resnet50, ${training ? 'training' : 'inference'}`, seconds: median(seconds) };
}
