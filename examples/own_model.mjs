/** A network of one's own: described, trained on a few made-up images, saved, loaded and used. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  basicBlock,
  conv2d,
  defineModel,
  globalAvgPool,
  linear,
  Model,
  normTail,
  schedules,
  sgd,
} from '../dist/index.js';

const definition = defineModel({ input: [16, 16, 1], name: 'stripes' }, (images) => {
  const stem = normTail(conv2d(images, { filters: 8, kernel: 3, bias: false }));
  const block = basicBlock(stem, { filters: 16, stride: 2, se: { reduction: 4 } });
  return linear(globalAvgPool(block), { units: 2 });
});

/** Images with horizontal (class 0) or vertical (class 1) stripes. */
function stripes(size, seed) {
  const images = new Float32Array(size * 256);
  const labels = Int32Array.from({ length: size }, (_, n) => (n + seed) % 2);
  for (let i = 0; i < images.length; i += 1) {
    const [n, y, x] = [i >> 8, (i >> 4) & 15, i & 15];
    images[i] = Math.sin((labels[n] === 0 ? y : x) * 1.5 + n + seed) + 0.3 * Math.sin(i * 12.9898 + seed);
  }
  return { images, labels, size };
}

const model = new Model(definition, { seed: 1 });
console.log(String(model.summary()));
await model.compile({ optimizer: sgd(), schedule: schedules.cosine({ lr: 0.05 }) });
const data = Array.from({ length: 20 }, (_, i) => stripes(32, i));
const history = await model.fit(data, { epochs: 2, validation: [stripes(64, 100)] });
console.log(`validation top-1: ${history.epochs.at(-1).validation.top1}`);

const file = join(tmpdir(), `stripes-${process.pid}.safetensors`);
await model.save(file);
const copy = new Model(definition);
await copy.load(file);
console.log(
  `probabilities: ${Array.from(await copy.predict(stripes(2, 7).images), (p) => p.toFixed(3)).join(' ')}`,
);
model.dispose();
copy.dispose();
