/** Files of PyTorch's exporters (fixtures/make_onnx.py and make_onnx_dynamo.py): what they compute, and in which ops. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ArgumentError, ArgumentRangeError, FileError, UnsupportedError } from '../../lib/errors.ts';
import { predictionGraph } from '../../lib/graph/programs.ts';
import { ABSENT } from '../../lib/ir/graph.ts';
import { decodeOnnx, readOnnx } from '../../lib/onnx/import.ts';
import { type ImportOnnxOptions, importOnnx } from '../../lib/onnx.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { distance, logitsOf, onnxBytes } from './models.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
type Golden = Readonly<
  Record<string, { readonly size: readonly [number, number]; readonly outputs: number[] }>
>;
const goldenOf = (name: string) => JSON.parse(readFileSync(fixture(name), 'utf8')) as Golden;
const golden: Golden = { ...goldenOf('onnx.json'), ...goldenOf('onnx_dynamo.json') };

/** The images that the scripts compute by the same formula. */
const imagesOf = ([h, w]: readonly [number, number], count = 2): Float32Array =>
  Float32Array.from({ length: count * h * w * 3 }, (_, i) => 1.5 * Math.sin(0.37 * (i + 1)));

const read = (name: string) => decodeOnnx(readFileSync(fixture(`${name}.onnx`)), name, { size: undefined });

test.each(Object.keys(golden))('%s', async (name) => {
  const { size, outputs } = golden[name]!;
  const path = fixture(`${name}.onnx`);
  const { definition, weights } = await readOnnx(readFileSync(path), path, { size: undefined });
  expect(definition.input).toEqual([...size, 3]);
  const images = imagesOf(size);
  if (name.startsWith('mobile')) {
    // These end in a Softmax, which predict computes.
    using model = await importOnnx(path);
    expect(distance(await model.predict(images), outputs)).toBeLessThan(1e-5);
  } else {
    expect(distance(await logitsOf(definition, weights, images, 2), outputs)).toBeLessThan(1e-5);
    const again = decodeOnnx(onnxBytes(definition, weights), 'again', { size: undefined });
    expect(distance(await logitsOf(again.definition, again.weights, images, 2), outputs)).toBeLessThan(1e-5);
  }
});

const countOf = (ops: readonly string[], op: string) => ops.filter((other) => other === op).length;

describe('squeeze-and-excitation is found', () => {
  test.each(['se_resnet_norms', 'se_resnet_no_bias'])('%s: in the tails of its norms', (name) => {
    const { graph } = read(name).definition;
    const tails = graph.nodes.filter(({ op }) => op === 'norm_tail');
    expect(tails.filter(({ inputs }) => (inputs[10] ?? ABSENT) !== ABSENT).length).toBe(4);
    // Two of them have a projected shortcut with a norm of its own.
    expect(tails.filter(({ inputs }) => (inputs[6] ?? ABSENT) !== ABSENT).length).toBe(2);
    const ops = graph.nodes.map(({ op }) => op);
    expect(new Set(ops)).toEqual(new Set(['conv2d', 'norm_tail', 'max_pool', 'global_avg_pool', 'linear']));
    // In a prediction the gates are known ahead of the convolutions that apply them.
    const fused = predictionGraph(graph, 1).nodes.filter(({ op }) => op === 'conv2d_fused');
    expect(fused.filter(({ inputs }) => (inputs[3] ?? ABSENT) !== ABSENT).length).toBe(4);
  });

  test.each(['se_resnet_folded', 'se_resnet_linear'])('%s: behind convolutions without norms', (name) => {
    const ops = read(name).definition.graph.nodes.map(({ op }) => op);
    expect(countOf(ops, 'squeeze_excite')).toBe(4);
    expect(countOf(ops, 'multiply')).toBe(0);
    expect(countOf(ops, 'global_avg_pool')).toBe(1);
    // A prediction computes the gates ahead, and adds and cuts off in the convolutions.
    const { nodes } = predictionGraph(read(name).definition.graph, 1);
    const tails = nodes.filter(({ op, inputs }) => op === 'conv2d_fused' && (inputs[3] ?? ABSENT) !== ABSENT);
    expect(tails.length).toBe(4);
    for (const { inputs, attributes } of tails) {
      expect(inputs.filter((id) => id !== ABSENT).length).toBe(5);
      expect(attributes['relu']).toBe(true);
    }
    const left = nodes.map(({ op }) => op);
    for (const op of ['squeeze_excite', 'add', 'multiply', 'activation']) expect(countOf(left, op)).toBe(0);
  });

  test.each([
    ['mobile_tanh', 'tanh'],
    ['mobile_swish', 'hard_sigmoid'],
  ])('%s: with its gate, %s', (name, gate) => {
    const blocks = read(name).definition.graph.nodes.filter(({ op }) => op === 'squeeze_excite');
    expect(blocks.map(({ attributes }) => attributes['gate'])).toEqual([gate, gate]);
  });

  test.each([
    ['mobile_silu', 'silu'],
    ['mobile_swish', 'hard_swish'],
    ['mobile_relu6', 'relu6'],
  ])('%s: the activation %s', (name, kind) => {
    const { nodes } = read(name).definition.graph;
    const kinds = nodes.flatMap(({ attributes: { kind: alone, activation } }) => [alone, activation]);
    expect(kinds.filter((found) => found === kind).length).toBe(6);
    expect(nodes.filter(({ op }) => op === 'multiply').length).toBe(0);
  });
});

test('of the zeros that are padded with, those ahead of a convolution go into it', () => {
  for (const name of ['pad', 'dynamo_pad']) {
    const { nodes } = read(name).definition.graph;
    expect(nodes.filter(({ op }) => op === 'pad').map(({ attributes }) => attributes['padding'])).toEqual([
      [1, -1, 1, -1],
    ]);
    expect(nodes[0]?.attributes['padding']).toEqual([0, 1, 0, 1]);
  }
});

test('values beside a file are read with it alone', async () => {
  const data = readFileSync(fixture('dynamo_se.onnx.data'));
  expect(data.length).toBeGreaterThan(5000);
  expect(() => read('dynamo_se')).toThrow(/expected the values in this file/);
  using model = await importOnnx(fixture('dynamo_se.onnx'));
  const { data: weight } = (await model.stateDict()).get('fc.weight')!;
  expect(data.includes(Buffer.from(weight.buffer))).toBe(true);
});

test('a model that was read can be trained and saved under its names', async () => {
  using model = await importOnnx(fixture('se_resnet_norms.onnx'), { seed: 3 });
  expect((await model.stateDict()).get('layer1.0.se.fc1.weight')?.shape).toEqual([8, 32, 1, 1]);
  await model.compile({ device: 'cpu', optimizer: sgd({ momentum: 0.9 }) });
  const [h, w] = golden['se_resnet_norms']!.size;
  const batch = { images: imagesOf([h, w], 8), labels: Int32Array.from([0, 1, 2, 3, 4, 0, 1, 2]), size: 8 };
  const losses: number[] = [];
  for (let i = 0; i < 12; i += 1) losses.push((await model.trainBatch(batch, { lr: 0.05 })).loss);
  expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.8);
});

describe('wrong use', () => {
  const wrong = <T>(value: unknown): T => value as T;
  const path = fixture('shuffle.onnx');

  test.each([
    [{ size: wrong<[number, number]>([14]) }, ArgumentError],
    [{ size: wrong<[number, number]>('14x14') }, ArgumentError],
    [{ size: [0, 14] as const }, ArgumentRangeError],
    [{ size: [16, 14] as const }, UnsupportedError],
    [{ seed: -1 }, ArgumentRangeError],
    [wrong<ImportOnnxOptions>({ device: 'cpu' }), ArgumentError],
  ])('%j', async (options, type) => {
    await expect(importOnnx(path, options)).rejects.toThrow(type);
  });

  test('paths', async () => {
    await expect(importOnnx(wrong<string>(3))).rejects.toThrow(ArgumentError);
    await expect(importOnnx('')).rejects.toThrow(ArgumentRangeError);
    await expect(importOnnx(fixture('none.onnx'))).rejects.toThrow(FileError);
    await expect(importOnnx(fixture(''))).rejects.toThrow(/found a directory/);
    await expect(importOnnx(fixture('make_onnx.py'))).rejects.toThrow(FileError);
  });

  test('an abort', async () => {
    await expect(importOnnx(path, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });
});
