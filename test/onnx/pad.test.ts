/** Zeros around maps that are read from a file: in the padding of what follows, where that is the same. */
import { expect, test } from 'vitest';
import { type ErrorCode, isSenetError } from '../../lib/errors.ts';
import {
  avgPool,
  conv2d,
  defineModel,
  type FeatureMap,
  globalAvgPool,
  linear,
  maxPool,
  pad,
  relu,
} from '../../lib/layers/index.ts';
import { decodeOnnx } from '../../lib/onnx/import.ts';
import type { AttributeMessage, ModelMessage } from '../../lib/onnx/schema.ts';
import { distance, logitsOf, noise, onnxBytes, randomWeights } from './models.ts';
import { smallMessage, toBytes, withNode, withTensor } from './small.ts';

const around = { padding: [1, 0, 2, 1] } as const;
const conv = { filters: 4, kernel: 3, bias: false } as const;

const rows: readonly [what: string, part: (x: FeatureMap) => FeatureMap, isFolded: boolean][] = [
  ['a convolution', (x) => conv2d(pad(x, around), { ...conv, padding: 'valid' }), true],
  ['one that pads, too', (x) => conv2d(pad(x, { padding: [1, 1, 1, 1] }), { ...conv, stride: 2 }), true],
  [
    'one with dilation',
    (x) => conv2d(pad(x, { padding: [2, 2, 2, 2] }), { ...conv, dilation: 2, padding: 1, groups: 2 }),
    true,
  ],
  ['an average', (x) => avgPool(pad(x, around), { kernel: 3, stride: 2 }), true],
  ['an average that counts its padding', (x) => avgPool(pad(x, around), { kernel: 4, padding: 1 }), true],
  ['a maximum behind a ReLU', (x) => maxPool(pad(relu(x), around), { kernel: 3, stride: 2 }), true],
  ['a maximum', (x) => maxPool(pad(x, around), { kernel: 3, stride: 2 }), false],
  [
    'an average that does not count its padding',
    (x) => avgPool(pad(x, around), { kernel: 4, padding: 1, countIncludePad: false }),
    false,
  ],
  ['a small convolution', (x) => conv2d(pad(x, around), { ...conv, kernel: 1 }), false],
  ['a small pool', (x) => avgPool(pad(x, around), { kernel: 2 }), false],
  ['what is cut off', (x) => conv2d(pad(x, { padding: [1, -1, 1, -1] }), conv), false],
  ['another reader', (x) => relu(pad(x, around)), false],
];

test.each(rows)('%s', async (_, part, isFolded) => {
  const definition = defineModel({ input: [9, 8, 4] }, (x) => linear(globalAvgPool(part(x)), { units: 3 }));
  const weights = randomWeights(definition);
  const read = decodeOnnx(onnxBytes(definition, weights), 'pad.onnx', { size: undefined });
  const images = noise(2 * 9 * 8 * 4, 7, 1.5);
  const expected = await logitsOf(definition, weights, images, 2);
  expect(distance(await logitsOf(read.definition, read.weights, images, 2), expected)).toBeLessThan(1e-5);
  expect(read.definition.graph.nodes.some(({ op }) => op === 'pad')).toBe(!isFolded);
});

const FILE = 'ERR_SENET_FILE';
const UNSUPPORTED = 'ERR_SENET_UNSUPPORTED';

const padsOf = (...pads: number[]): ModelMessage =>
  withTensor('shape_0_0_1_0_0_0_m1_0', {
    dims: [pads.length],
    rawData: new Uint8Array(BigInt64Array.from(pads, BigInt).buffer),
  });
const inputOf = (position: number, name: string): ModelMessage =>
  withNode('Pad', ({ input }) => ({ input: [...input.slice(0, position), name] }));
const edge = (): AttributeMessage => {
  const some = smallMessage().graph!.node.find(({ opType }) => opType === 'Conv')!.attribute[0]!;
  return { ...some, name: 'mode', type: 3, s: new TextEncoder().encode('edge'), ints: [] };
};

const bad: readonly [what: string, message: ModelMessage, code: ErrorCode, words: RegExp][] = [
  [
    'one that repeats the edge',
    withNode('Pad', () => ({ attribute: [edge()] })),
    UNSUPPORTED,
    /mode: expected constant, found 'edge'/,
  ],
  ['ones', inputOf(2, 'shape_1'), UNSUPPORTED, /a Pad with other numbers than 0/],
  ['channels', padsOf(0, 1, 0, 0, 0, 1, 0, 0), UNSUPPORTED, /more than the height and width/],
  ['images', padsOf(1, 0, 0, 0, 0, 0, 0, 0), UNSUPPORTED, /more than the height and width/],
  ['nothing left', padsOf(0, 0, -2, 0, 0, 0, -2, 0), FILE, /that something is left of/],
  ['terabytes', padsOf(0, 0, 0, 0, 0, 0, 2 ** 30, 2 ** 30), FILE, /too large/],
  ['no bounds', padsOf(0, 0, 2 ** 40, 0, 0, 0, 0, 0), FILE, /pads: expected 8 whole numbers/],
  ['other dimensions', padsOf(0, 0, 1, 1), FILE, /pads: expected 8 whole numbers/],
  ['no pads', inputOf(1, ''), FILE, /expected input 1, found none/],
  [
    'a picture',
    inputOf(1, 'images'),
    UNSUPPORTED,
    /input 1: expected a list of whole numbers that are known/,
  ],
];

test.each(bad)('refused: %s', (_, message, code, words) => {
  let caught: unknown;
  try {
    decodeOnnx(toBytes(message), 'bad.onnx', { size: undefined });
  } catch (error) {
    caught = error;
  }
  if (!isSenetError(caught)) throw caught ?? new Error('it was read');
  expect(caught.message).toMatch(/^bad\.onnx: node '.*' \(Pad\): /);
  expect(caught.message).toMatch(words);
  expect(caught.code).toBe(code);
});

test('axes of opset 18, counted from the front or the back', () => {
  const graphs = [
    [2, 3],
    [-2, -1],
  ].map((axes) => {
    const message = padsOf(1, 0, -1, 0);
    const sizes = message.graph!.initializer.find(({ name }) => name === 'shape_0_0_1_0_0_0_m1_0')!;
    const given = {
      ...sizes,
      name: 'axes',
      dims: [2],
      rawData: new Uint8Array(BigInt64Array.from(axes, BigInt).buffer),
    };
    const node = message.graph!.node.map((one) =>
      one.opType === 'Pad' ? { ...one, input: [...one.input, '', 'axes'] } : one,
    );
    const graph = { ...message.graph!, node, initializer: [...message.graph!.initializer, given] };
    const opsetImport = [{ domain: '', version: 18 }];
    return decodeOnnx(toBytes({ ...message, graph, opsetImport }), 'axes', { size: undefined }).definition
      .graph;
  });
  const plain = decodeOnnx(toBytes(smallMessage()), 'plain', { size: undefined }).definition.graph;
  expect(graphs).toEqual([plain, plain]);
});
