/** What the tests of checkpoints share: a small network with dropout, images for it, and folders that go away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { ImageDataset } from '../../lib/data/dataset.ts';
import {
  basicBlock,
  conv2d,
  defineModel,
  dropout,
  globalAvgPool,
  linear,
  normTail,
} from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import type { History } from '../../lib/train/callbacks.ts';
import { adamw, sgd } from '../../lib/train/optimizer.ts';
import { type Schedule, schedules } from '../../lib/train/schedules.ts';
import { batchOf, CLASSES, SIZE } from './helpers.ts';

/** A folder for the tests of one file. */
export const place = mkdtempSync(join(tmpdir(), 'senet-checkpoints-'));
const opened: Model[] = [];
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

export const newFolder = (): string => join(mkdtempSync(join(place, 'run-')), 'checkpoints');

const network = (reduction: number) =>
  defineModel({ input: [SIZE, SIZE, 3], name: 'tiny', config: { reduction } }, (images) => {
    const stem = normTail(conv2d(images, { filters: 8, kernel: 3, bias: false, name: 'conv1' }), {
      name: 'bn1',
    });
    const block = basicBlock(stem, { filters: 16, stride: 2, se: { reduction }, name: 'block' });
    return linear(dropout(globalAvgPool(block), { rate: 0.3 }), { units: CLASSES, name: 'fc' });
  });

/** 40 images, mirrored and shifted at random. */
export const data = (() => {
  const { images, labels } = batchOf(40);
  return new ImageDataset({
    images,
    labels: Int32Array.from(labels),
    shape: [SIZE, SIZE, 3],
    classes: CLASSES,
  }).augmented({ flip: true, crop: 2 });
})();
export const validation = [batchOf(16, 7)];

export interface Setting {
  readonly seed?: number;
  readonly device?: 'cpu' | 'cuda';
  readonly precision?: 'float16';
  readonly momentum?: number;
  /** AdamW in place of SGD, with averages of the weights. */
  readonly adamw?: boolean;
  readonly reduction?: number;
  readonly schedule?: Schedule;
}

/** A compiled model, disposed of when the test is over. */
export async function open(setting: Setting = {}): Promise<Model> {
  const { seed = 1, device = 'cpu', precision, momentum = 0.9, reduction = 4 } = setting;
  const model = new Model(network(reduction), { seed });
  opened.push(model);
  await model.compile({
    device,
    ...(precision && { precision }),
    ...(device === 'cpu' && { threads: 1 }),
    ...(setting.adamw === true
      ? { optimizer: adamw(), ema: { decay: 0.9 }, clipNorm: 1 }
      : { optimizer: sgd({ momentum, nesterov: momentum > 0 }) }),
    schedule: setting.schedule ?? schedules.cosine({ lr: 0.1, warmupEpochs: 1 }),
  });
  return model;
}

/** A history without what is measured by the clock. */
export const timeless = ({ epochs }: History) =>
  epochs.map(({ seconds: _, samplesPerSecond: __, ...logs }) => logs);
