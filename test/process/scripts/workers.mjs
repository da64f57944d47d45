/**
 * Some workers and the main thread train and predict at once, round after round; all must get the same bits:
 * node workers.mjs ROUNDS WORKERS.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trainAndPredict } from './tiny.mjs';

if (!isMainThread) {
  parentPort.postMessage(await trainAndPredict(5, 20));
} else {
  const [rounds, workers] = process.argv.slice(2).map(Number);
  const runWorker = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url));
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  const expected = await trainAndPredict(5, 20);
  for (let round = 0; round < rounds; round += 1) {
    const others = Array.from({ length: workers }, runWorker);
    const results = await Promise.all([trainAndPredict(5, 20), ...others]);
    if (results.some((result) => result !== expected)) {
      console.log('different results', expected, results);
      process.exit(1);
    }
  }
  console.log(`same bits in ${rounds} rounds`);
}
