/** The tiny SE-ResNet of fixtures/make_golden.py, its first weights and its images, as PyTorch had them. */
import { readFileSync } from 'node:fs';
import type { Batch } from '../../lib/data/dataset.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import { basicBlock } from '../../lib/layers/blocks/index.ts';
import {
  batchNorm,
  conv2d,
  defineModel,
  globalAvgPool,
  linear,
  relu,
  scope,
} from '../../lib/layers/index.ts';
import type { StateDict } from '../../lib/weights.ts';
import { values } from './formula.ts';

export type Numbers = Readonly<Record<string, number[]>>;

/** A file of fixtures. */
export const readFixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'));

export const tinyNet = defineModel({ input: [8, 8, 1], name: 'tiny' }, (images) => {
  const conv = conv2d(images, { filters: 8, kernel: 3, bias: false, name: 'conv1' });
  const stem = relu(batchNorm(conv, { name: 'bn1' }));
  const one = scope(stem, 'layer1', (x) => basicBlock(x, { filters: 8, se: { reducedWidth: 2 }, name: '0' }));
  const two = scope(one, 'layer2', (x) =>
    basicBlock(x, { filters: 16, stride: 2, se: { reducedWidth: 4 }, name: '0' }),
  );
  return linear(globalAvgPool(two), { units: 4, name: 'fc' });
});

const { shapes } = (readFixture('golden.json') as { sgdSteps: { shapes: Numbers } }).sgdSteps;

export const initialState = (): StateDict =>
  new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const isNorm = /bn\d|downsample\.1/.test(name);
      if (name.endsWith('running_mean')) return [name, { shape, data: new Float32Array(sizeOf(shape)) }];
      if (name.endsWith('running_var'))
        return [name, { shape, data: new Float32Array(sizeOf(shape)).fill(1) }];
      const scale = shape.length > 1 ? 1.5 / Math.sqrt(sizeOf(shape.slice(1))) : 0.2;
      const shift = isNorm && name.endsWith('weight') ? 1 : 0;
      return [name, { shape, data: Float32Array.from(values(name, shape, scale, shift).data) }];
    }),
  );

export const imagesOf = (name: string): Float32Array => Float32Array.from(values(name, [4, 8, 8, 1]).data);

export const batchOfStep = (step: number): Batch => ({
  images: imagesOf(`batch${step}`),
  labels: Int32Array.from([0, 1, 2, 3], (k) => (step + k) % 4),
  size: 4,
});
