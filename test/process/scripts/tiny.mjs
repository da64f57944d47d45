/** What the process tests share: a small SE network and data for it. */
import { createModel, schedules, sgd } from '../../../dist/index.js';

export const SIZE = 8;
export const CLASSES = 4;

export function tinyModel(seed = 3) {
  return createModel('se_resnet14', { input: [SIZE, SIZE, 3], classes: CLASSES, seed });
}

/** On the device that the test names. */
export const compileOptions = {
  device: process.env.SENET_TEST_DEVICE ?? 'cpu',
  threads: 1,
  optimizer: sgd({ momentum: 0.9 }),
  schedule: schedules.constant({ lr: 0.05 }),
};

export function batch(size, shift = 0) {
  const images = Float32Array.from({ length: size * SIZE * SIZE * 3 }, (_, i) => Math.sin(i * 0.37 + shift));
  const labels = Int32Array.from({ length: size }, (_, i) => i % CLASSES);
  return { images, labels, size };
}

/** Losses of some training steps and a sum over some predictions, all of it printed with every bit. */
export async function trainAndPredict(steps, predictions) {
  const model = tinyModel();
  try {
    await model.compile(compileOptions);
    const losses = [];
    for (let i = 0; i < steps; i += 1) losses.push((await model.trainBatch(batch(4, i), { lr: 0.05 })).loss);
    let sum = 0;
    for (let i = 0; i < predictions; i += 1) {
      for (const p of await model.predict(batch(2, i).images)) sum += p * (i + 1);
    }
    return JSON.stringify([...losses, sum]);
  } finally {
    model.dispose();
  }
}
