/** The time of a model's training step or prediction on the GPU: of the call, and of each step by the GPU's clock. */
import { built, median, noise } from './built.mjs';

const { createModel, sgd } = await built('lib/index.js');

const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/**
 * @returns `firstMs` of the call that compiles; `wallMs` of later ones, the median, with the fastest and slowest; and
 *   the program's steps with their times, bytes and operations
 */
export async function run({ name, training, batch, size, autotune, seconds, runs }) {
  const model = createModel(name, { input: [size, size, 3], seed: 1 });
  const optimizer = sgd({ momentum: 0.9, weightDecay: 1e-4 });
  await model.compile({ device: 'cuda', precision: 'bfloat16', autotune, optimizer });
  const images = noise(batch * size * size * 3);
  const labels = Int32Array.from({ length: batch }, (_, i) => (i * 7) % model.classes);
  const call = training
    ? () => model.trainBatch({ images, labels, size: batch }, { lr: 0.01 })
    : () => model.predict(images, { batchSize: batch });
  const firstMs = await timed(call);
  // The second run captures, the third is the first like all that follow.
  for (let i = 0; i < 2; i += 1) await call();
  const times = [];
  const end = performance.now() + 1000 * seconds;
  do times.push(await timed(call));
  while (performance.now() < end);
  const steps = await model.profile({ training, batchSize: batch, runs });
  model.dispose();
  return {
    ...{ name, training, batch, size, autotune, firstMs, calls: times.length },
    ...{ wallMs: median(times), fastestMs: Math.min(...times), slowestMs: Math.max(...times) },
    steps: steps.filter(({ constant }) => !constant),
  };
}
