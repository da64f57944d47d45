/**
 * Trains, saves, evaluates, predicts, aborts, loads and disposes in turns: node soak.mjs FOLDER SECONDS. Prints a line of
 * JSON for each round: training steps so far, and what the process holds.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageDataset } from '../../../dist/index.js';
import { CLASSES, compileOptions, SIZE, tinyModel } from './tiny.mjs';

const [directory, seconds] = process.argv.slice(2);
const count = 256;
const images = Uint8Array.from({ length: count * SIZE * SIZE * 3 }, (_, i) => (i * 7919) % 251);
const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES);
const dataset = new ImageDataset({ images, labels, shape: [SIZE, SIZE, 3], classes: CLASSES });
const data = dataset.augmented({ flip: true, crop: 2 });
const weights = join(directory, 'model.safetensors');
const damaged = join(directory, 'damaged.safetensors');

let steps = 0;
const watch = {
  onStepEnd: () => {
    steps += 1;
  },
};

/** Resolves to the error that something has to fail with. */
const failing = (promise) =>
  promise.then(
    () => {
      throw new Error('nothing failed');
    },
    (error) => error,
  );

const expectFailure = async (promise, pattern) => {
  const error = await failing(promise);
  if (!pattern.test(`${error.code} ${error.name}`)) throw error;
};

/** An epoch that goes on with the checkpoints before, one that is aborted, one that fails in a callback. */
async function round(number) {
  const model = tinyModel(number % 3);
  await model.compile(compileOptions);
  const checkpoints = { directory: join(directory, `run-${number % 3}`), everySteps: 20, keepLast: 2 };
  const options = { batchSize: 8, validation: dataset, checkpoints, resume: 'auto', callbacks: [watch] };
  const epochs = 1 + Math.floor(number / 3);
  await model.fit(data, { ...options, epochs });
  await model.save(weights);
  await model.load(weights);
  const plain = { epochs: 1, batchSize: 8 };
  await expectFailure(model.fit(data, { ...plain, signal: AbortSignal.timeout(10) }), /TimeoutError/);
  const thrower = {
    onStepEnd: ({ step }) => {
      if (step === 3) throw new RangeError('of a callback');
    },
  };
  await expectFailure(model.fit(data, { ...plain, callbacks: [thrower] }), /RangeError/);
  const bytes = readFileSync(weights);
  writeFileSync(damaged, bytes.subarray(0, bytes.length - 1 - (number % 1000)));
  await expectFailure(model.load(damaged), /ERR_SENET_FILE/);
  const infinite = {
    images: new Float32Array(SIZE * SIZE * 3).fill(Infinity),
    labels: Int32Array.of(0),
    size: 1,
  };
  await expectFailure(model.trainBatch(infinite, { lr: 0.1 }), /ERR_SENET_NON_FINITE/);
  const pending = model.predict(new Float32Array(4 * SIZE * SIZE * 3));
  model.dispose();
  await pending.catch(() => undefined);
}

const held = () => {
  globalThis.gc();
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]);
  return {
    steps,
    megabytes: number('VmRSS') / 1024,
    threads: number('Threads'),
    files: readdirSync('/proc/self/fd').length,
  };
};

const end = performance.now() + 1000 * Number(seconds);
for (let number = 0; performance.now() < end; number += 1) {
  await round(number);
  await sleep(0);
  console.log(JSON.stringify(held()));
}
