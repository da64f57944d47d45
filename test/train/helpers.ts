/** A tiny SE network, data that it can learn, and what several suites need of them. */
import type { Batch } from '../../lib/data/dataset.ts';
import type { DeviceName } from '../../lib/device.ts';
import { basicBlock, conv2d, defineModel, globalAvgPool, linear, normTail } from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { schedules } from '../../lib/train/schedules.ts';

export const SIZE = 8;
export const CLASSES = 4;
export const PIXELS = SIZE * SIZE * 3;

export const definition = defineModel({ input: [SIZE, SIZE, 3], name: 'tiny' }, (images) => {
  const stem = normTail(conv2d(images, { filters: 8, kernel: 3, bias: false, name: 'conv1' }), {
    name: 'bn1',
  });
  const block = basicBlock(stem, { filters: 16, stride: 2, se: { reduction: 4 }, name: 'block' });
  return linear(globalAvgPool(block), { units: CLASSES, name: 'fc' });
});

/** Images whose class decides the direction of a wave. */
export function batchOf(size: number, shift = 0): Batch {
  const labels = Int32Array.from({ length: size }, (_, n) => (n + shift) % CLASSES);
  const images = Float32Array.from({ length: size * PIXELS }, (_, i) => {
    const n = Math.floor(i / PIXELS);
    const [y, x] = [Math.floor((i % PIXELS) / (SIZE * 3)), Math.floor((i % (SIZE * 3)) / 3)];
    const angle = (labels[n]! * Math.PI) / CLASSES;
    return Math.sin(1.3 * (x * Math.cos(angle) + y * Math.sin(angle)) + n + shift);
  });
  return { images, labels, size };
}

export const batches = (count: number, size = 16): Batch[] =>
  Array.from({ length: count }, (_, i) => batchOf(size, 31 * i));

/** A compiled tiny model. */
export async function tiny(
  options: { seed?: number; lr?: number; device?: DeviceName } = {},
): Promise<Model> {
  const model = new Model(definition, { seed: options.seed ?? 1 });
  await model.compile({
    device: options.device ?? 'cpu',
    threads: 1,
    optimizer: sgd(),
    schedule: schedules.constant({ lr: options.lr ?? 0.05 }),
  });
  return model;
}

/** Every bit of a model's parameters and running statistics. */
export async function bitsOf(model: Model): Promise<string> {
  const state = await model.stateDict();
  return [...state]
    .map(([name, { data }]) => `${name} ${Buffer.from(data.buffer).toString('base64')}`)
    .join('\n');
}
