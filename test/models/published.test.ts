/**
 * Networks that were published with squeeze-and-excitation: parameters, names and logits are timm's
 * (fixtures/make_published.py), and they learn.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createModel } from '../../lib/create_model.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import type { ParameterSpec } from '../../lib/layers/index.ts';
import {
  buildModel,
  listModels,
  type ModelBuildOptions,
  type ModelName,
  summarize,
} from '../../lib/models/index.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import type { StateDict } from '../../lib/weights.ts';
import { values } from '../helpers/formula.ts';

interface Published {
  readonly parameters: number;
  readonly keys: string;
  readonly logits?: readonly number[];
}
const file = new URL('../fixtures/published.json', import.meta.url);
const { models } = JSON.parse(readFileSync(file, 'utf8')) as { models: Record<string, Published> };

const known = (name: string): name is ModelName => listModels().some((model) => model === name);
const published = Object.entries(models).flatMap(([name, facts]) =>
  known(name) ? [[name, facts] as const] : [],
);
const plainOf = (name: ModelName): ModelName => {
  const plain = `plain_${name}`;
  if (!known(plain)) throw new Error(`expected a model ${plain}`);
  return plain;
};
const storedShape = ({ shape, storedShape }: ParameterSpec) => storedShape ?? shape;

test('every model of the fixture is in the zoo', () => {
  expect(published.map(([name]) => name)).toEqual(Object.keys(models));
});

describe.each(published)('%s', (name, facts) => {
  test('parameters', () => {
    expect(summarize(buildModel(name)).parameters).toBe(facts.parameters);
  });

  test('names and shapes', () => {
    const lines = buildModel(name).parameters.map((spec) => `${spec.name} ${storedShape(spec).join('x')}`);
    expect(createHash('sha256').update(lines.sort().join('\n')).digest('hex')).toBe(facts.keys);
  });

  test('the plain counterpart lacks the SE blocks and nothing else', () => {
    const withoutSe = buildModel(name).parameters.filter((spec) => !spec.name.includes('.se.'));
    expect(buildModel(plainOf(name)).parameters).toEqual(withoutSe);
    expect(() => buildModel(plainOf(name), { se: {} })).toThrow(`use '${name}'`);
  });
});

// Millions of multiply-adds, as the papers have them.
test.each([
  ['mobilenetv3_small_100', 56],
  ['mobilenetv3_large_100', 219],
  ['efficientnet_b0', 390],
  ['regnety_004', 400],
  ['regnety_006', 600],
  ['regnety_008', 800],
  ['regnety_016', 1600],
  ['regnety_032', 3200],
  ['regnety_040', 4000],
  ['regnety_080', 8000],
  ['regnety_160', 15_900],
] as const)('multiply-adds of %s: %d million', (name, millions) => {
  expect(Math.abs(summarize(buildModel(name)).macs / 1e6 / millions - 1)).toBeLessThan(0.025);
});

test('stochastic depth grows from the first block to the last, where there is a shortcut', () => {
  const rates = (name: ModelName, options: ModelBuildOptions = {}) =>
    buildModel(name, options)
      .graph.nodes.filter(({ op, attributes }) => op === 'dropout' && attributes['whole'] === true)
      .map(({ attributes }) => Number(attributes['rate']));
  const expected = [2, 4, 6, 7, 9, 10, 12, 13, 14].map((block) => (0.2 * block) / 16);
  expect(rates('efficientnet_b0')).toEqual(expected);
  expect(rates('efficientnet_b0', { dropPath: 0 })).toEqual([]);
  expect(rates('mobilenetv3_large_100')).toEqual([]);
  expect(rates('mobilenetv3_small_100', { dropPath: 0.1 })).toHaveLength(6);
  expect(() => buildModel('resnet50', { dropPath: 0.1 })).toThrow(/dropPath: 'resnet50' has no stochastic/);
  expect(() => buildModel('efficientnet_b0', { dropPath: 1 })).toThrow(/model: dropPath: expected a number/);
});

test('SE options replace the published ones', () => {
  const units = (name: ModelName, options: ModelBuildOptions) =>
    buildModel(name, options)
      .parameters.filter((spec) => /\.se\..*(reduce|fc1)\.bias$/.test(spec.name))
      .map(({ shape }) => shape[0]);
  expect(units('mobilenetv3_small_100', {}).slice(0, 3)).toEqual([8, 24, 64]);
  expect(units('mobilenetv3_small_100', { se: { reduction: 8, stages: [2] } })).toEqual([9, 11]);
  expect(units('regnety_004', { se: { reducedWidth: 5, stages: [2] } })).toEqual([5, 5, 5]);
  const gates = new Set(
    buildModel('mobilenetv3_small_100', { se: { gate: 'sigmoid' } })
      .graph.nodes.map(({ attributes }) => attributes['gate'])
      .filter((gate) => gate !== undefined),
  );
  expect(gates).toEqual(new Set(['sigmoid']));
});

const CLASSES = 10;
const SIZE = 64;

/** The weights of make_published.py. */
function weights(specs: readonly ParameterSpec[]): StateDict {
  return new Map(
    specs.map((spec) => {
      const shape = storedShape(spec);
      const { name } = spec;
      const isNorm = name.includes('bn') && name.endsWith('weight');
      const formula = (): [scale: number, shift: number] => {
        if (shape.length > 1) return [2 / Math.sqrt(sizeOf(shape.slice(1))), 0];
        if (name.endsWith('running_var')) return [0.3, 1];
        return [0.2, isNorm ? 1 : 0];
      };
      return [name, { shape, data: Float32Array.from(values(name, shape, ...formula()).data) }];
    }),
  );
}

/** Logarithms of softmax: logits but for one constant. */
function logSoftmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
  return logits.map((logit) => logit - most - Math.log(sum));
}

const smallest = published.flatMap(([name, { logits }]) => (logits ? [[name, logits] as const] : []));

test.each(smallest)('logits of %s', async (name, expected) => {
  const model = createModel(name, { input: [SIZE, SIZE, 3], classes: CLASSES });
  try {
    await model.compile({ device: 'cpu' });
    await model.loadStateDict(weights(model.definition.parameters));
    const images = Float32Array.from(values('images', [2, SIZE, SIZE, 3]).data);
    const probabilities = await model.predict(images);
    const largest = Math.max(...expected.map(Math.abs));
    for (const image of [0, 1]) {
      const range = [image * CLASSES, (image + 1) * CLASSES] as const;
      const actual = Array.from(probabilities.subarray(...range), (value) => Math.log(value));
      logSoftmax(expected.slice(...range)).forEach((value, i) => {
        expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-4 * largest);
      });
    }
  } finally {
    model.dispose();
  }
});

test.each(smallest)('small steps lower the loss of %s, and move every parameter', async (name) => {
  // Norms over eight values make the gradient of RegNetY steep, here and in PyTorch: its length is near 2000.
  const lr = name === 'regnety_004' ? 1e-6 : 0.02;
  const model = createModel(name, { input: [32, 32, 3], classes: 4, dropout: 0, seed: 5 });
  try {
    await model.compile({ device: 'cpu', optimizer: sgd({ momentum: 0, weightDecay: 0 }) });
    const images = Float32Array.from(values('images', [8, 32, 32, 3]).data);
    const batch = { images, labels: Int32Array.from({ length: 8 }, (_, i) => i % 4), size: 8 };
    const before = await model.stateDict();
    const losses: number[] = [];
    for (let step = 0; step < 3; step += 1) losses.push((await model.trainBatch(batch, { lr })).loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    // Norms start at 1, where a smaller step would round to nothing.
    await model.trainBatch(batch, { lr: 0.02 });
    const after = await model.stateDict();
    const still = [...after].filter(([key, { data }]) => {
      const old = before.get(key)!.data;
      return data.every((value, i) => value === old[i]);
    });
    expect(still.map(([key]) => key)).toEqual([]);
  } finally {
    model.dispose();
  }
});
