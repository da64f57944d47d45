/** Files that are damaged, lie, or hold what senet lacks: each is refused with the reason and the place. */
import { expect, test } from 'vitest';
import { type ErrorCode, isSenetError } from '../../lib/errors.ts';
import { decodeOnnx } from '../../lib/onnx/import.ts';
import type { NodeMessage } from '../../lib/onnx/schema.ts';
import { smallFile, smallMessage, toBytes, withAttribute, withGraph, withNode, withTensor } from './small.ts';

const FILE = 'ERR_SENET_FILE';
const UNSUPPORTED = 'ERR_SENET_UNSUPPORTED';

const read = (bytes: Uint8Array) => decodeOnnx(bytes, 'bad.onnx', { size: undefined });
const bytesOf = (...values: number[]) => Uint8Array.from(values);
const message = smallMessage();
const weight = message.graph!.initializer.find(({ name }) => name === 'fc.weight')!;
const input = message.graph!.input[0]!;
const node = (opType: string, inputs: string[], output: string): NodeMessage => ({
  input: inputs,
  output: [output],
  name: `my${opType}`,
  opType,
  attribute: [],
  domain: undefined,
});
const inputOf = (dims: (number | undefined)[], elemType = 1) =>
  withGraph(() => ({
    input: [
      {
        ...input,
        type: {
          tensorType: {
            elemType,
            shape: { dim: dims.map((dimValue) => ({ dimValue, dimParam: undefined })) },
          },
        },
      },
    ],
  }));

const cases: readonly [what: string, bytes: () => Uint8Array, code: ErrorCode, message: RegExp][] = [
  ['nothing', () => bytesOf(), FILE, /graph: expected a graph/],
  ['text', () => new TextEncoder().encode('this is no ONNX file at all'), FILE, /cannot be read|wire type/],
  ['a file that ends early', () => smallFile().subarray(0, 900), FILE, /graph/],
  [
    'a length beyond the end',
    () => bytesOf(0x3a, 0xff, 0xff, 0xff, 0x7f, 0x0a),
    FILE,
    /graph: cannot be read/,
  ],
  ['a group', () => bytesOf(0x3b, 0x3c), FILE, /graph: expected wire type 2, found 3/],
  ['groups in groups', () => new Uint8Array(1000).fill(0x2b), FILE, /cannot be read/],
  ['a field number of 0', () => bytesOf(0x00, 0x01), FILE, /cannot be read/],
  ['a number that does not end', () => new Uint8Array(20).fill(0xff), FILE, /cannot be read/],
  ['two graphs', () => Buffer.concat([smallFile(), smallFile()]), FILE, /irVersion: expected one value/],
  ['a name that is no UTF-8', () => bytesOf(0x12, 0x02, 0xc3, 0x28), FILE, /producerName: cannot be read/],
  [
    'more empty nodes than a network has',
    () => Buffer.concat([bytesOf(0x3a, 0x80, 0x89, 0x7a), Buffer.alloc(2_000_000, bytesOf(0x0a, 0x00))]),
    FILE,
    /graph.*too many/,
  ],
  [
    'a text of a megabyte',
    () => toBytes(withGraph(() => ({ name: 'x'.repeat(2 ** 20) }))),
    FILE,
    /graph\.name: expected a text of at most 65536 bytes/,
  ],
  ['no opset', () => toBytes({ ...message, opsetImport: [] }), FILE, /opsetImport: expected one version/],
  [
    'an old opset',
    () => toBytes({ ...message, opsetImport: [{ domain: '', version: 9 }] }),
    UNSUPPORTED,
    /opset: expected 11 to 22, found 9/,
  ],
  [
    'an opset to come',
    () => toBytes({ ...message, opsetImport: [{ domain: '', version: 99 }] }),
    UNSUPPORTED,
    /found 99/,
  ],
  [
    'operators that senet lacks, all at once',
    () =>
      toBytes(
        withGraph(({ node: nodes }) => ({
          node: [...nodes, node('LSTM', ['images'], 'a'), node('If', ['a'], 'b'), node('LSTM', ['b'], 'c')],
        })),
      ),
    UNSUPPORTED,
    /found 2 others: LSTM \('myLSTM', 'myLSTM'\); If \('myIf'\)/,
  ],
  [
    'an operator of another domain',
    () => toBytes(withNode('Relu', () => ({ domain: 'com.example' }))),
    UNSUPPORTED,
    /com\.example\.Relu/,
  ],
  [
    'an operator with the name of a method',
    () => toBytes(withNode('Relu', () => ({ opType: 'constructor' }))),
    UNSUPPORTED,
    /constructor/,
  ],
  ['no input', () => toBytes(withGraph(() => ({ input: [] }))), UNSUPPORTED, /input: expected one/],
  [
    'two inputs',
    () => toBytes(withGraph(({ input: inputs }) => ({ input: [...inputs, { ...input, name: 'more' }] }))),
    UNSUPPORTED,
    /input: expected one, the images, found 2/,
  ],
  [
    'an input of integers',
    () => toBytes(inputOf([1, 2, 7, 6], 7)),
    UNSUPPORTED,
    /input 'images': expected float32/,
  ],
  ['an input of three dimensions', () => toBytes(inputOf([2, 7, 6])), UNSUPPORTED, /expected \[N, C, H, W\]/],
  ['an input of no fixed size', () => toBytes(inputOf([1, 2, undefined, 6])), UNSUPPORTED, /give the size/],
  ['an input without rows', () => toBytes(inputOf([1, 2, 0, 6])), FILE, /input 'images': expected sizes/],
  ['an input without bounds', () => toBytes(inputOf([1, 2, 2 ** 40, 2 ** 40])), FILE, /input 'images'/],
  ['other channels', () => toBytes(inputOf([1, 3, 7, 6])), FILE, /node 'conv1' \(Conv\).*expected 6x3x3x3/],
  [
    'two outputs',
    () => toBytes(withGraph(({ output }) => ({ output: [...output, ...output] }))),
    UNSUPPORTED,
    /output/,
  ],
  [
    'an output that nothing computes',
    () => toBytes(withGraph(({ output }) => ({ output: [{ ...output[0]!, name: 'none' }] }))),
    FILE,
    /output 'none': is computed by no node/,
  ],
  [
    'an output that is a map',
    () => toBytes(withGraph(({ output }) => ({ output: [{ ...output[0]!, name: 'conv1' }] }))),
    UNSUPPORTED,
    /output 'conv1': expected \[N, classes\].*found a map/,
  ],
  [
    'nodes in a circle',
    () => toBytes(withNode('Relu', ({ output }) => ({ input: [output[0]!] }))),
    FILE,
    /\(Relu\): the input '.*' is computed by no node before it/,
  ],
  [
    'a name given twice',
    () => toBytes(withNode('Relu', () => ({ output: ['conv1'] }))),
    FILE,
    /'conv1' is given twice/,
  ],
  [
    'a node without inputs',
    () => toBytes(withNode('Conv', () => ({ input: [] }))),
    FILE,
    /'conv1' \(Conv\): expected input/,
  ],
  [
    'a weight that is computed',
    () => toBytes(withNode('Conv', () => ({ input: ['images', 'images'] }))),
    UNSUPPORTED,
    /'conv1' \(Conv\): input 1: expected a constant/,
  ],
  [
    'fewer bytes than dimensions say',
    () => toBytes(withTensor('fc.weight', { rawData: bytesOf(1, 2, 3, 4) })),
    FILE,
    /tensor 'fc\.weight': rawData: expected \d+ bytes/,
  ],
  [
    'no bytes',
    () => toBytes(withTensor('fc.weight', { rawData: undefined })),
    FILE,
    /tensor 'fc\.weight': floatData: expected/,
  ],
  [
    'dimensions without bounds',
    () => toBytes(withTensor('fc.weight', { dims: [2 ** 40, 2 ** 40] })),
    FILE,
    /tensor 'fc\.weight': dims/,
  ],
  [
    'dimensions of petabytes',
    () => toBytes(withTensor('fc.weight', { dims: [2 ** 26, 2 ** 26] })),
    FILE,
    /tensor 'fc\.weight': rawData/,
  ],
  [
    'a negative dimension',
    () => toBytes(withTensor('fc.weight', { dims: [-1, 3] })),
    FILE,
    /dims: expected whole numbers/,
  ],
  [
    'a hundred dimensions',
    () => toBytes(withTensor('fc.weight', { dims: new Array<number>(100).fill(1) })),
    FILE,
    /at most 8 dimensions/,
  ],
  [
    'a tensor of texts',
    () => toBytes(withTensor('fc.weight', { dataType: 8 })),
    FILE,
    /tensor 'fc\.weight': dataType/,
  ],
  [
    'a tensor of no type',
    () => toBytes(withTensor('fc.weight', { dataType: undefined })),
    FILE,
    /dataType: .* found type 0/,
  ],
  [
    'values in two fields',
    () => toBytes(withTensor('fc.weight', { floatData: [weight.rawData!] })),
    FILE,
    /tensor 'fc\.weight': expected values in one field/,
  ],
  [
    'values in another file',
    () =>
      toBytes(
        withTensor('fc.weight', {
          dataLocation: 1,
          externalData: [{ key: 'location', value: '../../etc/passwd' }],
        }),
      ),
    FILE,
    /tensor 'fc\.weight': expected the values in this file/,
  ],
  [
    'a weight of other dimensions',
    () => toBytes(withTensor('fc.weight', { dims: [...weight.dims].reverse() })),
    FILE,
    /\(Gemm\)/,
  ],
  [
    'an attribute of another type',
    () => toBytes(withAttribute('Conv', 'strides', { type: 2 })),
    FILE,
    /strides: expected an attribute of type/,
  ],
  [
    'a stride of 0',
    () => toBytes(withAttribute('Conv', 'strides', { ints: [0, 1] })),
    FILE,
    /\(Conv\): strides: expected/,
  ],
  [
    'a stride without bounds',
    () => toBytes(withAttribute('Conv', 'strides', { ints: [2 ** 60, 1] })),
    FILE,
    /strides/,
  ],
  [
    'three strides',
    () => toBytes(withAttribute('Conv', 'strides', { ints: [1, 1, 1] })),
    FILE,
    /expected 2 whole numbers/,
  ],
  [
    'padding that makes a map of terabytes',
    () => toBytes(withAttribute('Conv', 'pads', { ints: [0, 0, 2 ** 30, 2 ** 30] })),
    FILE,
    /too large/,
  ],
  [
    'other kernels',
    () => toBytes(withAttribute('Conv', 'kernel_shape', { ints: [5, 5] })),
    FILE,
    /kernel_shape/,
  ],
  ['groups that divide nothing', () => toBytes(withAttribute('Conv', 'group', { i: 5 })), FILE, /\(Conv\)/],
  [
    'a pool of a whole image',
    () => toBytes(withAttribute('MaxPool', 'kernel_shape', { ints: [99, 99] })),
    FILE,
    /\(MaxPool\)/,
  ],
  [
    'a pool with dilation',
    () =>
      toBytes(
        withNode('MaxPool', ({ attribute }) => ({
          attribute: [...attribute, { ...attribute[0]!, name: 'dilations', ints: [2, 2] }],
        })),
      ),
    UNSUPPORTED,
    /\(MaxPool\): a pool with dilation/,
  ],
  [
    'an attribute that is there twice',
    () => toBytes(withNode('Conv', ({ attribute }) => ({ attribute: [...attribute, attribute[0]!] }))),
    FILE,
    /\(Conv\): an attribute is there twice/,
  ],
  [
    'a Transpose of the image',
    () => toBytes(withAttribute('Transpose', 'perm', { ints: [0, 1, 2, 4, 3] })),
    UNSUPPORTED,
    /\(Transpose\).*channel shuffle/,
  ],
  [
    'a Transpose of the batch',
    () => toBytes(withAttribute('Transpose', 'perm', { ints: [1, 0, 2, 3, 4] })),
    UNSUPPORTED,
    /\(Transpose\)/,
  ],
  [
    'a Concat of rows',
    () => toBytes(withAttribute('Concat', 'axis', { i: 2 })),
    UNSUPPORTED,
    /\(Concat\): axis/,
  ],
  [
    'a Flatten of the batch',
    () => toBytes(withAttribute('Flatten', 'axis', { i: 0 })),
    UNSUPPORTED,
    /\(Flatten\): axis/,
  ],
  [
    'a training norm',
    () =>
      toBytes(
        withNode('BatchNormalization', ({ attribute }) => ({
          attribute: [...attribute, { ...attribute[0]!, name: 'training_mode', type: 2, f: undefined, i: 1 }],
        })),
      ),
    UNSUPPORTED,
    /training_mode/,
  ],
  [
    'a Reshape that mixes',
    () =>
      toBytes(
        withTensor('shape_0_3_2_4_3', {
          rawData: new Uint8Array(BigInt64Array.of(0n, 4n, 3n, 2n, 3n).buffer),
        }),
      ),
    UNSUPPORTED,
    /\(Reshape\)/,
  ],
];

test.each(cases)('%s', (_, bytes, code, words) => {
  const before = process.memoryUsage().arrayBuffers;
  const file = bytes();
  let caught: unknown;
  try {
    read(file);
  } catch (error) {
    caught = error;
  }
  if (!isSenetError(caught)) throw caught ?? new Error('it was read');
  expect(caught.message).toMatch(words);
  expect(caught.code).toBe(code);
  expect(caught.message.startsWith('bad.onnx: ')).toBe(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * file.length + 2 ** 24);
});

test('the file that the others are made of is read', () => {
  expect(read(toBytes(smallMessage())).definition.classes).toBe(3);
});
