/**
 * Creates, trains and drops models over and over: node --expose-gc cycles.mjs COUNT (dispose|forget). Prints the
 * growth of the resident memory in bytes, after up to 100 that do not count, and the native objects left.
 */
import {
  basicBlock,
  bottleneck,
  conv2d,
  defineModel,
  globalAvgPool,
  linear,
  liveNativeObjects,
  Model,
  normTail,
} from '../../../dist/index.js';
import { batch, CLASSES, compileOptions, SIZE } from './tiny.mjs';

const count = Number(process.argv[2]);
const forget = process.argv[3] === 'forget';
const warmUp = Math.min(count, 100);
const tick = () => new Promise((resolve) => setImmediate(resolve));
const one = batch(2);
const samples = [];

// A block of each kind: what a model takes is the same each time, so that more blocks would only take longer.
const describe = () =>
  defineModel({ input: [SIZE, SIZE, 3], name: 'two_blocks' }, (images) => {
    const stem = normTail(conv2d(images, { filters: 16, kernel: 3, bias: false }));
    const basic = basicBlock(stem, { filters: 16, se: {} });
    const last = bottleneck(basic, { filters: 32, width: 8, stride: 2, se: {} });
    return linear(globalAvgPool(last), { units: CLASSES });
  });

async function cycle() {
  const model = new Model(describe(), { seed: 3 });
  await model.compile(compileOptions);
  await model.trainBatch(one, { lr: 0.01 });
  if (!forget) model.dispose();
}

const collect = async () => {
  for (let i = 0; i < 4; i += 1) {
    globalThis.gc();
    await tick();
  }
};

for (let i = 0; i < warmUp + count; i += 1) {
  await cycle();
  if (i % 25 === 0) await collect();
  if (i >= warmUp) samples.push(process.memoryUsage.rss());
}
await collect();
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const tenth = Math.max(1, Math.floor(count / 10));
const growth = median(samples.slice(-tenth)) - median(samples.slice(0, tenth));
console.log(JSON.stringify({ growth, live: liveNativeObjects(), peak: Math.max(...samples) }));
