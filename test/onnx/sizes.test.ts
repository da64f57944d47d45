/** Computations on whole numbers in a file, as PyTorch's exporter writes paddings: known, or refused. */
import { expect, test } from 'vitest';
import { UnsupportedError } from '../../lib/errors.ts';
import { decodeOnnx } from '../../lib/onnx/import.ts';
import type { NodeMessage, TensorMessage } from '../../lib/onnx/schema.ts';
import { smallMessage, toBytes } from './small.ts';

const list = (name: string, ...values: number[]): TensorMessage => ({
  name,
  dims: [values.length],
  dataType: 7,
  floatData: [],
  int32Data: [],
  int64Data: [],
  rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  externalData: [],
  dataLocation: undefined,
});
const node = (opType: string, input: string[], output: string): NodeMessage => ({
  input,
  output: [output],
  name: output,
  opType,
  attribute: [],
  domain: undefined,
});

/** Reads the small file with its pads computed by `nodes` from lists; the last one's output is what is padded. */
function graphWith(lists: readonly TensorMessage[], nodes: readonly NodeMessage[]) {
  const message = smallMessage();
  const before = message.graph!;
  const graph = {
    ...before,
    initializer: [...before.initializer, ...lists],
    node: [
      ...nodes,
      ...before.node.map((one) =>
        one.opType === 'Pad' ? { ...one, input: [one.input[0]!, nodes.at(-1)!.output[0]!] } : one,
      ),
    ],
  };
  return decodeOnnx(toBytes({ ...message, graph }), 'sizes.onnx', { size: undefined }).definition.graph;
}

const plain = decodeOnnx(toBytes(smallMessage()), 'plain.onnx', { size: undefined }).definition.graph;

/** PyTorch's own order, the last dimension first, in pairs of beginning and end. */
const steps = [
  node('Reshape', ['torch', 'pairs'], 'rows'),
  node('Slice', ['rows', 'last', 'all', 'zero', 'last'], 'turned'),
  node('Transpose', ['turned'], 'columns'),
  node('Reshape', ['columns', 'last'], 'pads'),
];
const lists = [
  list('torch', 0, 0, 1, -1, 0, 0, 0, 0),
  list('pairs', -1, 2),
  list('last', -1),
  list('all', -(2 ** 53 - 3)),
  list('zero', 0),
];

test('pairs of paddings are turned about', () => {
  expect(graphWith(lists, steps)).toEqual(plain);
});

test.each<[what: string, lists: readonly TensorMessage[], nodes: readonly NodeMessage[], words: RegExp]>([
  ['a matrix where a list is wanted', lists, steps.slice(0, 1), /a list of whole numbers that are known/],
  [
    'rows that do not fit',
    [...lists.slice(0, 1), list('pairs', -1, 3)],
    steps.slice(0, 1),
    /shape: expected one of 8/,
  ],
  [
    'rows of nothing',
    [...lists.slice(0, 1), list('pairs', 2, 0, -1)],
    steps.slice(0, 1),
    /shape: expected one of 8/,
  ],
  ['a list that is transposed', lists, [node('Transpose', ['torch'], 'pads')], /numbers that are no matrix/],
  [
    'some rows backwards',
    lists.map((one) => (one.name === 'all' ? list('all', -3) : one)),
    steps,
    /a Slice backwards of anything but all rows/,
  ],
  [
    'a list of another type',
    [list('count', 8)],
    [node('ConstantOfShape', ['count'], 'pads')],
    /a short list/,
  ],
  [
    'a cube of numbers',
    [list('count', 2, 2, 2)],
    [node('ConstantOfShape', ['count'], 'pads')],
    /a short list/,
  ],
  [
    'a list that grows',
    [list('count', ...new Array<number>(40).fill(1))],
    [node('Concat', ['count', 'count'], 'pads')],
    /expected a list of at most 64 numbers, found 80/,
  ],
  [
    'a list without end',
    [list('count', 2 ** 40)],
    [node('ConstantOfShape', ['count'], 'pads')],
    /a short list/,
  ],
])('refused: %s', (_, given, nodes, words) => {
  expect(() => graphWith(given, nodes)).toThrow(words);
});

test('what is refused is said to be what senet lacks', () => {
  expect(() => graphWith([list('count', 4, 2)], [node('ConstantOfShape', ['count'], 'pads')])).toThrow(
    UnsupportedError,
  );
});
