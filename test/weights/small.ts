/** The small network of fixtures/make_weights.py, its weights, and what it computes from them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../../lib/ir/graph.ts';
import {
  basicBlock,
  conv2d,
  defineModel,
  globalAvgPool,
  linear,
  normTail,
  scope,
} from '../../lib/layers/index.ts';
import { values as formula } from '../helpers/formula.ts';

export const small = defineModel({ input: [8, 8, 3], name: 'small' }, (images) => {
  const conv = conv2d(images, { filters: 4, kernel: 3, bias: false, name: 'conv1' });
  const x = scope(normTail(conv, { name: 'bn1' }), 'layer1', (stem) =>
    basicBlock(stem, { filters: 8, stride: 2, se: { reducedWidth: 2 }, name: '0' }),
  );
  return linear(globalAvgPool(x), { units: 3, name: 'fc' });
});

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));

/** Values by the formula of the scripts. */
const values = (...args: Parameters<typeof formula>): Float32Array =>
  Float32Array.from(formula(...args).data);

/** The weight of a name, as the script sets it. */
export function weight(name: string, shape: readonly number[]): Float32Array {
  if (shape.length > 1) return values(name, shape, 1.5 / Math.sqrt(sizeOf(shape.slice(1))));
  const isScale = name.endsWith('running_var') || (!name.includes('fc') && name.endsWith('weight'));
  return values(name, shape, 0.2, isScale ? 1 : 0);
}

export const images = values('images', [2, 8, 8, 3]);

/** Probabilities of the two images by type of the weights. */
export const probabilities = JSON.parse(
  readFileSync(new URL('../fixtures/weights.json', import.meta.url), 'utf8'),
) as Readonly<Record<'float32' | 'float16' | 'bfloat16' | 'float64', number[]>>;
