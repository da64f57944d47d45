// senet as a contender of the benchmarks, with the protocol of bench/peers/pytorch.py: it prints a "ready" line, then
// does one timed iteration for each line "run" and prints {"ms": number}, until "exit" or the end of the input.
//
//   node senet.mjs --model se_resnet50 --mode train --batch 16 --size 224 --threads 2

import { parseArgs } from 'node:util';
import { createModel, schedules, sgd } from '../../dist/index.js';
import { imagesOf } from '../inputs.mjs';
import { serve, timed } from '../peers/serve.mjs';
import { readTensors } from '../peers/tensors.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'se_resnet50' },
    mode: { type: 'string', default: 'infer' },
    batch: { type: 'string', default: '1' },
    size: { type: 'string', default: '224' },
    threads: { type: 'string', default: '2' },
    device: { type: 'string', default: 'cpu' },
    layout: { type: 'string', default: 'auto' },
    'stride-in': { type: 'string' },
    warmup: { type: 'string', default: '3' },
    weights: { type: 'string' },
    images: { type: 'string' },
  },
});
const [batch, size, threads] = [options.batch, options.size, options.threads].map(Number);
const training = options.mode === 'train';
const strideIn = options['stride-in'];

async function create() {
  const model = createModel(options.model, { input: [size, size, 3], ...(strideIn && { strideIn }) });
  if (options.weights !== undefined) await model.load(options.weights);
  await model.compile({
    device: options.device,
    ...(options.device === 'cpu' && { threads, layout: options.layout }),
    ...(training && {
      optimizer: sgd({ momentum: 0.9, weightDecay: 1e-4 }),
      schedule: schedules.constant({ lr: 0.001 }),
    }),
  });
  return model;
}

const { ms: createMs, result: model } = await timed(create);
const tensors =
  options.images === undefined ? imagesOf(batch, size, model.classes) : readTensors(options.images);
const images = tensors.get('images').data;
const labels = Int32Array.from(tensors.get('labels').data);

const train = async () => (await model.trainBatch({ images, labels, size: batch }, { lr: 0.001 })).loss;
const predict = () => model.predict(images, { batchSize: batch });

await serve({ contender: `senet-${options.model}`, device: options.device }, training ? train : predict, {
  training,
  // Logarithms of probabilities are logits but for a number that is the same for all of an image; what compares them
  // leaves that out.
  logits: (probabilities) => probabilities.map(Math.log),
  warmup: Number(options.warmup),
  createMs,
});
