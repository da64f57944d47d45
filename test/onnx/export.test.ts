/** Every model of the zoo as an ONNX file: ONNX Runtime computes what senet computes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ArgumentError, ArgumentRangeError, FileError, UnsupportedError } from '../../lib/errors.ts';
import { createModel } from '../../lib/index.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import {
  add,
  avgPool,
  batchNorm,
  channelShuffle,
  channelSlice,
  concat,
  conv2d,
  defineModel,
  dropout,
  type FeatureMap,
  flatten,
  globalAvgPool,
  globalMaxPool,
  hardSigmoid,
  hardSwish,
  linear,
  type ModelDefinition,
  maxPool,
  multiply,
  pad,
  relu,
  relu6,
  sigmoid,
  silu,
  squeezeExcite,
  tanh,
} from '../../lib/layers/index.ts';
import { buildModel, listModels, type ModelName } from '../../lib/models/index.ts';
import type { ExportSettings } from '../../lib/onnx/export.ts';
import { decodeOnnx } from '../../lib/onnx/import.ts';
import { Budget, decode } from '../../lib/onnx/protobuf.ts';
import { modelSchema } from '../../lib/onnx/schema.ts';
import { type ExportOnnxOptions, exportOnnx } from '../../lib/onnx.ts';
import { smallInput } from '../helpers/small_input.ts';
import { distance, logitsOf, noise, onnxBytes, randomWeights, toNchw } from './models.ts';
import { runOnnx } from './runtime.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'model.onnx');

async function check(
  definition: ModelDefinition,
  options: Partial<ExportSettings> = {},
  batch = 2,
): Promise<void> {
  const weights = randomWeights(definition);
  const [h, w, c] = definition.input;
  const images = noise(batch * h * w * c, 99, 1.5);
  const bytes = onnxBytes(definition, weights, options);
  const expected = await logitsOf(definition, weights, images, batch);
  const read = decodeOnnx(bytes, 'model.onnx', { size: undefined });
  const again = await logitsOf(read.definition, read.weights, images, batch);
  expect(distance(again, expected)).toBeLessThan(1e-4);
  const actual = await runOnnx(bytes, toNchw(images, definition.input), [batch, c, h, w]);
  expect(actual.name).toBe('logits');
  expect(actual.dims).toEqual([batch, definition.classes]);
  expect(distance(actual.data, expected)).toBeLessThan(1e-4);
}

test.each(listModels())('%s', async (name: ModelName) => {
  await check(buildModel(name, { input: smallInput(name), classes: 7 }));
});

/** What the zoo does not have: other squeezes and gates, flattening, slices, pools with ceil, factors of all kinds. */
const everyOp = defineModel({ input: [11, 9, 2] }, (images) => {
  let x: FeatureMap = relu(batchNorm(conv2d(images, { filters: 12, kernel: [3, 5], padding: [1, 0, 2, 1] })));
  x = squeezeExcite(x, { squeeze: 'max', gate: 'tanh', reduction: 4 });
  x = squeezeExcite(x, { squeeze: 'none', bias: false, reduction: 4 });
  x = pad(x, { padding: [1, -2, -1, 1] });
  x = maxPool(x, { kernel: 3, stride: 2, padding: 1, ceil: true });
  x = add(
    x,
    conv2d(channelShuffle(x, { groups: 4 }), { filters: 12, kernel: 3, dilation: 2, padding: 2, groups: 3 }),
  );
  x = concat([channelSlice(x, { start: 2, end: 7 }), avgPool(x, { kernel: 3, stride: 1, padding: 1 })]);
  const vector = batchNorm(globalMaxPool(x));
  const gate = sigmoid(linear(vector, { units: 17 }));
  x = avgPool(multiply(x, gate), { kernel: 2, padding: 0, ceil: true, countIncludePad: false });
  x = multiply(x, tanh(x));
  const half = channelSlice(globalAvgPool(x), { start: 0, end: 5 });
  const both = concat([half, dropout(flatten(x), { rate: 0.5 })]);
  const mixed = add(linear(both, { units: 5 }), multiply(half, half));
  return linear(channelShuffle(relu(mixed), { groups: 5 }), { units: 3, bias: false });
});

describe('opsets', () => {
  const opsets = Array.from({ length: 12 }, (_, i) => i + 11);
  test.each(opsets)('%i', async (opset) => {
    await check(buildModel('se_shufflenet_g3', { input: [32, 32, 3], classes: 4 }), { opset });
    await check(everyOp, { opset });
  });
});

test.each([
  ['squeeze', { se: { squeeze: 'max', bias: false } }],
  ['no squeeze', { se: { squeeze: 'none', rule: 'divisible8' } }],
  ['placement', { se: { placement: 'pre', gate: 'tanh' } }],
  ['placement', { se: { placement: 'identity' } }],
  ['placement', { se: { placement: '3x3' }, strideIn: '1x1', dropout: 0.3 }],
] as const)('se_resnet50 with %s %j', async (_, options) => {
  await check(buildModel('se_resnet50', { input: [33, 33, 3], classes: 5, ...options }));
});

test('a gate without bounds', async () => {
  await check(buildModel('se_resnet14', { classes: 5, se: { gate: 'relu', bias: false } }));
});

test.each([11, 17])('activations of mobile networks, opset %i', async (opset) => {
  const definition = defineModel({ input: [8, 8, 3] }, (images) => {
    const conv = (x: FeatureMap) => conv2d(x, { filters: 8, kernel: 3 });
    const first = hardSwish(conv(relu6(conv(silu(conv(images))))));
    const excited = squeezeExcite(first, { gate: 'hard_sigmoid', hidden: 'silu', reduction: 2 });
    return linear(globalAvgPool(hardSigmoid(conv(excited))), { units: 4 });
  });
  await check(definition, { opset });
});

test('a batch of a fixed size', async () => {
  const definition = buildModel('se_resnet20', { classes: 3 });
  await check(definition, { batchSize: 3 }, 3);
  const bytes = onnxBytes(definition, randomWeights(definition), { batchSize: 3 });
  await expect(runOnnx(bytes, new Float32Array(2 * 3 * 32 * 32), [2, 3, 32, 32])).rejects.toThrow(/Got: 2/);
});

test("probabilities are those of predict, and the weights have PyTorch's names", async () => {
  using model = createModel('se_resnet14', { input: [12, 12, 1], classes: 3, seed: 5 });
  const images = noise(4 * 144, 3, 1);
  await exportOnnx(model, file, { output: 'probabilities' });
  const { name, data } = await runOnnx(file, images, [4, 1, 12, 12]);
  expect(name).toBe('probabilities');
  expect(distance(data, await model.predict(images))).toBeLessThan(1e-5);
  const { graph, metadataProps } = decode(modelSchema, readFileSync(file), new Budget());
  const state = await model.stateDict();
  const stored = new Map(graph!.initializer.map(({ name, dims, rawData }) => [name!, { dims, rawData }]));
  for (const [key, { shape, data }] of state) {
    expect(stored.get(key)?.dims).toEqual(shape);
    expect(Buffer.compare(stored.get(key)!.rawData!, new Uint8Array(data.buffer))).toBe(0);
  }
  expect(metadataProps.find(({ key }) => key === 'senet.model')?.value).toBe('se_resnet14');
});

describe('wrong use', () => {
  const wrong = <T>(value: unknown): T => value as T;
  const definition = buildModel('resnet14', { input: [8, 8, 1], classes: 2 });
  const source = { definition, stateDict: async () => randomWeights(definition) };

  test.each([
    [{ opset: 10 }, ArgumentRangeError],
    [{ opset: 23 }, ArgumentRangeError],
    [{ opset: wrong<number>('17') }, ArgumentError],
    [{ batchSize: 0 }, ArgumentRangeError],
    [{ batchSize: wrong<number>('auto') }, ArgumentError],
    [{ output: wrong<'logits'>('scores') }, ArgumentRangeError],
    [wrong<ExportOnnxOptions>({ layout: 'nhwc' }), ArgumentError],
  ])('%j', async (options, type) => {
    await expect(exportOnnx(source, file, options)).rejects.toThrow(type);
  });

  test('a path that is none, a folder that is not there', async () => {
    await expect(exportOnnx(source, '')).rejects.toThrow(ArgumentRangeError);
    await expect(exportOnnx(source, join(folder, 'no', 'model.onnx'))).rejects.toThrow(FileError);
  });

  test('an average that ONNX does not have', async () => {
    const hangs = defineModel({ input: [6, 6, 1] }, (images) =>
      linear(flatten(avgPool(images, { kernel: 3, stride: 2, ceil: true, countIncludePad: true })), {
        units: 2,
      }),
    );
    const rejected = exportOnnx({ definition: hangs, stateDict: async () => randomWeights(hangs) }, file);
    await expect(rejected).rejects.toThrow(UnsupportedError);
    await expect(rejected).rejects.toThrow(/avgPool1|avg/);
  });

  test('more weights than one file can hold', async () => {
    const side = 2 ** 14;
    const large = defineModel({ input: [1, 1, 1] }, (images) => {
      const wide = linear(flatten(images), { units: side, bias: false });
      return linear(linear(wide, { units: side, bias: false }), { units: side, bias: false });
    });
    // One array, which nothing reads, stands for both matrices.
    const data = new Float32Array(side * side);
    const weights = new Map(
      large.parameters.map(({ name, shape }) => [name, { shape, data: data.subarray(0, sizeOf(shape)) }]),
    );
    await expect(exportOnnx({ definition: large, stateDict: async () => weights }, file)).rejects.toThrow(
      /at most 2147483647 bytes/,
    );
  });
});
