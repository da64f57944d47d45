/**
 * Trains with checkpoints and goes on where it was: node resume.mjs FOLDER EPOCHS THREADS. Prints a line for each step,
 * every bit of its loss in it, and at the end the SHA-256 of the weights.
 */
import { createHash } from 'node:crypto';
import { createModel, ImageDataset, schedules, sgd } from '../../../dist/index.js';

const [directory, epochs, threads] = process.argv.slice(2);
const images = Uint8Array.from({ length: 96 * 8 * 8 * 3 }, (_, i) => (i * 7919) % 251);
const labels = Uint8Array.from({ length: 96 }, (_, i) => i % 4);
const dataset = new ImageDataset({ images, labels, shape: [8, 8, 3], classes: 4 });
const data = dataset.augmented({ flip: true, crop: 2 });

const model = createModel('se_resnet14', { input: [8, 8, 3], classes: 4, dropout: 0.3, seed: 5 });
await model.compile({
  device: 'cpu',
  threads: Number(threads),
  optimizer: sgd({ momentum: 0.9 }),
  schedule: schedules.cosine({ lr: 0.05 }),
});
console.log('ready');
await model.fit(data, {
  epochs: Number(epochs),
  batchSize: 8,
  checkpoints: { directory, everySteps: 3 },
  resume: 'auto',
  handleSignals: true,
  callbacks: [
    { onStepEnd: ({ epoch, step, loss }) => console.log(`step ${epoch}:${step} ${loss}`) },
    { onTrainEnd: () => console.log(`listeners ${process.listenerCount('SIGINT')}`) },
  ],
});
const hash = createHash('sha256');
for (const { data: values } of (await model.stateDict()).values()) hash.update(new Uint8Array(values.buffer));
console.log(`listeners ${process.listenerCount('SIGINT')}`);
console.log(`weights ${hash.digest('hex')}`);
model.dispose();
