/** A little of everything a model does, for the sanitizers. */
import { createModel, NonFiniteError, sgd } from '../../dist/index.js';

for (const layout of ['blocked8', 'channels_last']) {
  const model = createModel('se_resnet20', { input: [9, 7, 3], classes: 5, seed: 1 });
  await model.compile({ layout, threads: 2, optimizer: sgd({ nesterov: true }) });
  for (const size of [1, 3, 4]) {
    const images = Float32Array.from({ length: size * 189 }, (_, i) => Math.sin(i));
    await model.trainBatch({ images, labels: new Int32Array(size), size }, { lr: 0.01 });
    await model.predict(images);
  }
  const images = new Float32Array(189).fill(Number.NaN);
  const failure = await model
    .trainBatch({ images, labels: new Int32Array(1), size: 1 }, { lr: 0.01 })
    .catch((e) => e);
  if (!(failure instanceof NonFiniteError)) throw failure;
  await model.loadStateDict(await model.stateDict());
  model.dispose();
}
console.log('done');
