// One run of what bench/suites/traffic.mjs counts the bytes of, on the GPU of SENET_CUDA_LIBRARY:
//
//   node traffic.mjs --work tail --shape 4,56,56,64 --precision bfloat16 --se

import { parseArgs } from 'node:util';
import {
  bottleneck,
  conv2d,
  defineModel,
  globalAvgPool,
  invertedResidual,
  linear,
  Model,
  normTail,
  sgd,
} from '../../dist/index.js';
import { openTail } from '../suites/tail.mjs';

const { values: options } = parseArgs({
  options: {
    work: { type: 'string' },
    shape: { type: 'string' },
    precision: { type: 'string' },
    se: { type: 'boolean', default: false },
  },
});
const [batch, height, width, channels] = options.shape.split(',').map(Number);

/** Forward and backward pass of one tail. */
async function tail() {
  const device = { device: 'cuda', options: { precision: options.precision } };
  await (await openTail({ ...device, shape: [batch, height, width, channels], excited: options.se })).run();
}

/** A training step of a small network around one block, whose input and output have the shape. */
async function step(body) {
  const definition = defineModel({ input: [height, width, 3] }, (images) => {
    const stem = normTail(conv2d(images, { filters: channels, kernel: 1, bias: false }));
    return linear(globalAvgPool(body(stem)), { units: 10 });
  });
  const model = new Model(definition, { seed: 1 });
  await model.compile({ device: 'cuda', precision: options.precision, optimizer: sgd() });
  const images = Float32Array.from({ length: batch * height * width * 3 }, (_, i) => Math.sin(i));
  await model.trainBatch({ images, labels: new Int32Array(batch), size: batch }, { lr: 0.01 });
  model.dispose();
}

const se = options.se ? { se: { reduction: 16 } } : {};
const block = () => step((x) => bottleneck(x, { filters: channels, ...se }));
const inverted = () => step((x) => invertedResidual(x, { filters: channels, activation: 'silu', ...se }));
await { tail, block, inverted }[options.work]();
