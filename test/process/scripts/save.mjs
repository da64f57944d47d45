/**
 * Writes checkpoints of a made-up run one after the other: node save.mjs FOLDER. Prints the number of each that is on disk.
 */
import { CheckpointFolder } from '../../../dist/internals.js';

const [directory] = process.argv.slice(2);
const folder = new CheckpointFolder({ directory, everyEpochs: 1, keepLast: 3 });
await folder.prepare();
const state = {
  ...{
    seed: 0,
    batchSize: 1,
    shuffle: true,
    accumulate: 1,
    accumulated: 0,
    epoch: 0,
    sums: { loss: 0, top1: 0, top5: 0, samples: 0 },
  },
  ...{ seconds: 0, lr: 0.1, stopped: false, epochs: [], schedule: null, callbacks: {} },
};
const latest = await folder.latest();
if (latest !== undefined) {
  const [value] = latest.tensors.get('weight').data;
  if (value !== latest.state.modelStep || latest.damaged.length > 0) throw new Error('a mixture was read');
}
const first = latest?.state.modelStep ?? 0;
console.log(`ready ${first}`);
for (let step = first + 1; step < first + 500; step += 1) {
  const tensors = new Map([
    ['weight', { dtype: 'F32', shape: [20_000], data: new Float32Array(20_000).fill(step) }],
  ]);
  await folder.write({ tensors, metadata: new Map() }, { ...state, step, modelStep: step });
  process.stdout.write(`saved ${step}\n`);
}
