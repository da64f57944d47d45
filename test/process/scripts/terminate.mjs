/** Workers are terminated at random moments while native work is pending; the process must not notice. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { liveNativeObjects } from '../../../dist/index.js';
import { batch, compileOptions, tinyModel } from './tiny.mjs';

if (!isMainThread) {
  const model = tinyModel();
  await model.compile(compileOptions);
  parentPort.postMessage('busy');
  for (;;) await Promise.all([model.trainBatch(batch(8), { lr: 0.01 }), model.predict(batch(3).images)]);
} else {
  const count = Number(process.argv[2]);
  let seed = 12345;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  for (let i = 0; i < count; i += 1) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await new Promise((resolve) => setTimeout(resolve, random() * 50));
    await worker.terminate();
  }
  console.log(`live ${liveNativeObjects()}`);
}
