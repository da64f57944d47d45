/** Values in files beside an ONNX file: read from its folder alone, and only where the file has them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isSenetError } from '../../lib/errors.ts';
import { decodeOnnx, readOnnx } from '../../lib/onnx/import.ts';
import type { TensorMessage } from '../../lib/onnx/schema.ts';
import { smallFile, smallMessage, toBytes, withExternalData } from './small.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-external-'));
afterAll(() => rmSync(folder, { recursive: true }));
const outside = join(folder, 'outside.bin');
const inside = join(folder, 'inside');
const path = join(inside, 'model.onnx');
mkdirSync(join(inside, 'sub'), { recursive: true });
mkdirSync(join(inside, 'folder'));

const { message, data } = withExternalData('data.bin');
const tensors = message.graph!.initializer.filter(({ dataLocation }) => dataLocation === 1);
for (const file of [outside, ...['data.bin', 'sub/data.bin'].map((name) => join(inside, name))]) {
  writeFileSync(file, data);
}
writeFileSync(join(inside, 'short.bin'), data.subarray(0, -65));
const longest = Math.max(...tensors.map(({ externalData }) => Number(externalData[2]!.value)));
writeFileSync(join(inside, 'one.bin'), data.subarray(0, longest));
writeFileSync(join(inside, 'sparse.bin'), '');
truncateSync(join(inside, 'sparse.bin'), 2 ** 41);
symlinkSync('data.bin', join(inside, 'link.bin'));
symlinkSync(outside, join(inside, 'out.bin'));
symlinkSync('..', join(inside, 'up'));
execFileSync('mkfifo', [join(inside, 'fifo')]);

type Entries = Readonly<Record<string, string | undefined>>;

/** The bytes of the file with the entries of all external tensors changed. */
function bytesWith(entries: Entries, change: Partial<TensorMessage> = {}): Uint8Array {
  const graph = message.graph!;
  const initializer = graph.initializer.map((tensor) => {
    if (!tensors.includes(tensor)) return tensor;
    const kept = tensor.externalData.filter(({ key }) => !(key! in entries));
    const added = Object.entries(entries).flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value }],
    );
    return { ...tensor, externalData: [...kept, ...added], ...change };
  });
  return toBytes({ ...message, graph: { ...graph, initializer } });
}

const read = (bytes: Uint8Array) => readOnnx(bytes, path, { size: undefined });
const expected = decodeOnnx(smallFile(), path, { size: undefined });

describe('reads', () => {
  test.each(['data.bin', './data.bin', 'sub/data.bin', 'sub//data.bin', 'link.bin'])(
    '%s',
    async (location) => {
      expect(tensors.length).toBeGreaterThan(3);
      const { definition, weights } = await read(bytesWith({ location }));
      expect(definition.graph).toEqual(expected.definition.graph);
      expect(weights).toEqual(expected.weights);
    },
  );

  test('a file without external values', async () => {
    expect((await read(smallFile())).weights).toEqual(expected.weights);
  });

  test('values without length and checksum', async () => {
    const bytes = bytesWith({ length: undefined, checksum: 'da39a3ee5e6b4b0d3255bfef95601890afd80709' });
    expect((await read(bytes)).weights).toEqual(expected.weights);
  });

  test('the value of a Constant', async () => {
    const graph = message.graph!;
    const [tensor, ...rest] = graph.initializer.filter((one) => tensors.includes(one));
    const attribute = {
      ...graph.node[0]!.attribute[0]!,
      name: 'value',
      type: 4,
      t: tensor,
      ints: [],
      i: undefined,
    };
    const constant = {
      ...graph.node[0]!,
      opType: 'Constant',
      name: 'constant',
      input: [],
      output: [tensor!.name!],
    };
    const changed = {
      ...graph,
      node: [{ ...constant, attribute: [attribute] }, ...graph.node],
      initializer: graph.initializer.filter((one) => one !== tensor),
    };
    expect(rest.length).toBeGreaterThan(0);
    expect((await read(toBytes({ ...message, graph: changed }))).weights).toEqual(expected.weights);
  });
});

const raw = smallMessage().graph!.initializer[0]!.rawData!;

const bad: readonly [what: string, bytes: () => Uint8Array, words: RegExp][] = [
  [
    'no location',
    () => bytesWith({ location: undefined }),
    /location: expected the name of a file, found none/,
  ],
  ['an empty location', () => bytesWith({ location: '' }), /location: expected the name of a file/],
  ['an absolute path', () => bytesWith({ location: outside }), /location: expected a file in the folder/],
  ['a path up', () => bytesWith({ location: '../outside.bin' }), /location: expected a file in the folder/],
  [
    'a path down and up',
    () => bytesWith({ location: 'sub/../../outside.bin' }),
    /location: expected a file in/,
  ],
  ['a NUL', () => bytesWith({ location: 'data.bin\0' }), /location: expected a file in the folder/],
  ['a link out', () => bytesWith({ location: 'out.bin' }), /found a link out of it/],
  ['a folder that is a link out', () => bytesWith({ location: 'up/outside.bin' }), /found a link out of it/],
  ['the folder itself', () => bytesWith({ location: '.' }), /found a link out of it|found a directory/],
  ['another folder', () => bytesWith({ location: 'folder' }), /found a directory/],
  ['a FIFO', () => bytesWith({ location: 'fifo' }), /found a FIFO/],
  ['a file that is not there', () => bytesWith({ location: 'none.bin' }), /none\.bin: cannot open: ENOENT/],
  [
    'a name that is too long',
    () => bytesWith({ location: 'n'.repeat(5000) }),
    /location: expected a file in the folder/,
  ],
  [
    'a file that is too short',
    () => bytesWith({ location: 'short.bin' }),
    /tensor '.*': externalData: expected bytes/,
  ],
  ['a negative offset', () => bytesWith({ offset: '-4' }), /offset: expected a number of bytes, found '-4'/],
  ['an offset in words', () => bytesWith({ offset: 'four' }), /offset: expected a number of bytes/],
  ['an offset with an exponent', () => bytesWith({ offset: '1e3' }), /offset: expected a number of bytes/],
  ['an offset beyond the end', () => bytesWith({ offset: '4294967296' }), /expected bytes 4294967296 to/],
  [
    'an offset beyond 2^53',
    () => bytesWith({ offset: '9'.repeat(16) }),
    /offset: expected a number of bytes/,
  ],
  ['an offset of 60,000 digits', () => bytesWith({ offset: '1'.repeat(60_000) }), /offset: .*\.\.\./],
  [
    'another length',
    () => bytesWith({ length: '4' }),
    /length: expected \d+ bytes for its dimensions, found 4/,
  ],
  [
    'no length, large dimensions',
    () => bytesWith({ length: undefined }, { dims: [2 ** 10, 2 ** 8] }),
    /has \d+/,
  ],
  [
    'petabytes',
    () => bytesWith({ length: undefined }, { dims: [2 ** 24, 2 ** 25] }),
    /at most 4294967296 bytes/,
  ],
  [
    'petabytes in a sparse file',
    () => bytesWith({ location: 'sparse.bin', length: undefined }, { dims: [2 ** 19, 2 ** 20] }),
    /at most 4294967296 bytes/,
  ],
  [
    'one stretch several times over',
    () => bytesWith({ location: 'one.bin', offset: '0' }),
    /expected tensors that do not overlap/,
  ],
  ['values here, too', () => bytesWith({}, { rawData: raw }), /expected the values in one place/],
  ['floats here, too', () => bytesWith({}, { floatData: [raw] }), /expected the values in one place/],
  ['a type of no numbers', () => bytesWith({}, { dataType: 8 }), /dataType: expected numbers, found type 8/],
  ['another kind of place', () => bytesWith({}, { dataLocation: 2 }), /expected the values in this file/],
  [
    'entries without a place',
    () => bytesWith({}, { dataLocation: undefined }),
    /expected the values in this file/,
  ],
  [
    'a key twice',
    () =>
      bytesWith({}, { externalData: ['data.bin', 'data.bin'].map((value) => ({ key: 'location', value })) }),
    /externalData: expected each key once/,
  ],
];

test.each(bad)('refuses %s', async (_, make, words) => {
  const bytes = make();
  const before = process.memoryUsage().arrayBuffers;
  const caught: unknown = await read(bytes).catch((error: unknown) => error);
  if (!isSenetError(caught)) throw caught;
  expect(caught.code).toBe('ERR_SENET_FILE');
  expect(caught.message).toMatch(words);
  expect(caught.message.startsWith(inside)).toBe(true);
  expect(caught.message.length).toBeLessThan(path.length + 400);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * bytes.length + 2 ** 22);
});

test('stops when aborted', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(readOnnx(bytesWith({}), path, { size: undefined }, signal)).rejects.toThrow('enough');
});
