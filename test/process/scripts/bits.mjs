/** Trains some steps and prints a digest of every bit of losses, weights, running statistics and a prediction. */
import { createHash } from 'node:crypto';
import { batch, compileOptions, tinyModel } from './tiny.mjs';

const model = tinyModel();
await model.compile(compileOptions);
const digest = createHash('sha256');
for (let i = 0; i < 3; i += 1)
  digest.update(String((await model.trainBatch(batch(4, i), { lr: 0.05 })).loss));
for (const [name, { data }] of await model.stateDict()) digest.update(name).update(data);
digest.update(await model.predict(batch(2).images));
model.dispose();
console.log(digest.digest('hex'));
