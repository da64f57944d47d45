/** Ends the process in a given way while a given thing goes on: node exit.mjs ENDING ACTIVITY DISPOSED FOLDER EPOCHS. */
import { join } from 'node:path';
import { batch, compileOptions, tinyModel } from './tiny.mjs';

const [ending, activity, disposed, folder, epochs] = process.argv.slice(2);
const model = tinyModel();
await model.compile(compileOptions);
await model.trainBatch(batch(4), { lr: 0.01 });

const quiet = (promise) => promise.catch(() => undefined);
if (activity === 'training')
  for (let i = 0; i < 3; i += 1) quiet(model.fit([batch(16, i)], { epochs: Number(epochs) }));
if (activity === 'inferring') for (let i = 0; i < 8; i += 1) quiet(model.predict(batch(64, i).images));
if (activity === 'saving') quiet(model.save(join(folder, 'model.safetensors')));
if (disposed === 'disposed') model.dispose();

console.log('ready');
switch (ending) {
  case 'exit':
    process.exit(7);
    break;
  case 'throw':
    setImmediate(() => {
      throw new Error('uncaught on purpose');
    });
    break;
  case 'reject':
    Promise.reject(new Error('unhandled on purpose'));
    break;
  case 'signal':
    setInterval(() => undefined, 1000);
    break;
  default:
}
