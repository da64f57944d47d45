// TensorFlow.js as a contender of the benchmarks, with the protocol of pytorch.py. Results are awaited by `data()`, which is
// when they are there.
//
//   node contender.mjs --backend node --model se_resnet50 --mode infer --weights weights.safetensors --images images.safetensors
import { parseArgs } from 'node:util';
import { serve, timed } from '../serve.mjs';
import { readTensors } from '../tensors.mjs';
import { loadBackend } from './backend.mjs';
import { createWork, workOptions } from './work.mjs';

const { values: options } = parseArgs({
  options: { ...workOptions, backend: { type: 'string' } },
});
const { tf, version } = await loadBackend(options.backend);
const tensors = readTensors(options.weights);
const batch = readTensors(options.images);
const training = options.mode === 'train';
const { ms: createMs, result: iteration } = await timed(() =>
  createWork(tf, options.model, training, tensors, batch),
);
const info = { contender: `tfjs-${options.backend}`, version };
await serve(info, iteration, { training, warmup: Number(options.warmup), createMs });
