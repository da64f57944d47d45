/** Twelve thousand damaged files: each is read or refused with an error of senet's, quickly and in little memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FileError, UnsupportedError } from '../../lib/errors.ts';
import { decodeOnnx, type Imported, readOnnx } from '../../lib/onnx/import.ts';
import type { GraphMessage, NodeMessage, TensorMessage } from '../../lib/onnx/schema.ts';
import { Random } from '../helpers/random.ts';
import { smallFile, smallMessage, toBytes, withExternalData } from './small.ts';

const SEED = 20250611;
const COUNT = 10_000;
const EXTERNAL_COUNT = 2_000;

const folder = mkdtempSync(join(tmpdir(), 'senet-mutation-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = new Random(SEED);
const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length - 1)]!;
const numbers = [
  0,
  1,
  -1,
  2,
  3,
  4,
  5,
  6,
  7,
  255,
  2 ** 16,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 52,
  2 ** 62,
  -(2 ** 62),
];

const message = smallMessage();
const graph = message.graph!;
const names = [
  ...graph.node.flatMap(({ output }) => output),
  ...graph.initializer.map(({ name }) => name!),
  'images',
  '',
];
const operators = [
  ...new Set(graph.node.map(({ opType }) => opType!)),
  'Split',
  'Squeeze',
  'Unsqueeze',
  'ReduceMean',
  'MatMul',
  'Shape',
  'Gather',
  'Clip',
  'Dropout',
  'Div',
  'Cast',
  'Constant',
  'ConstantOfShape',
  'Gelu',
];

const replaced = <T>(list: readonly T[], change: (entry: T) => T): T[] => {
  const at = random.integer(0, list.length - 1);
  return list.map((entry, i) => (i === at ? change(entry) : entry));
};

function changeNode(node: NodeMessage): NodeMessage {
  const { input, output, attribute } = node;
  switch (random.integer(0, 6)) {
    case 0:
      return { ...node, input: input.length === 0 ? [pick(names)] : replaced(input, () => pick(names)) };
    case 1:
      return { ...node, input: random.integer(0, 1) === 0 ? input.slice(1) : [...input, pick(names)] };
    case 2:
      return { ...node, output: [pick([pick(names), 'new']), ...output.slice(1)] };
    case 3:
      return { ...node, opType: pick(operators) };
    case 4:
      return { ...node, attribute: attribute.slice(1) };
    default:
      if (attribute.length === 0) return { ...node, opType: pick(operators) };
      return {
        ...node,
        attribute: replaced(attribute, (a) => ({
          ...a,
          name: pick([a.name, a.name, a.name, 'axes', 'axis', 'keepdims', 'auto_pad', 'split']),
          type: pick([a.type, a.type, a.type, 1, 2, 7, 99]),
          i: pick([a.i, pick(numbers)]),
          f: pick([a.f, Number.NaN, Number.POSITIVE_INFINITY]),
          ints: pick([a.ints, [...a.ints, pick(numbers)], a.ints.slice(1), a.ints.map(() => pick(numbers))]),
        })),
      };
  }
}

function changeTensor(tensor: TensorMessage): TensorMessage {
  const { dims, rawData } = tensor;
  switch (random.integer(0, 4)) {
    case 0:
      return { ...tensor, dims: dims.length === 0 ? [pick(numbers)] : replaced(dims, () => pick(numbers)) };
    case 1:
      return { ...tensor, dims: pick([[...dims].reverse(), dims.slice(1), [...dims, 1], [1, ...dims]]) };
    case 2:
      return { ...tensor, dataType: random.integer(-1, 17) };
    case 3:
      return { ...tensor, rawData: rawData?.subarray(random.integer(0, 9)) };
    default:
      return { ...tensor, name: pick(names) };
  }
}

function changeGraph(before: GraphMessage): GraphMessage {
  switch (random.integer(0, 9)) {
    case 0:
    case 1:
    case 2:
      return { ...before, initializer: replaced(before.initializer, changeTensor) };
    case 3:
      return { ...before, node: before.node.toSpliced(random.integer(0, before.node.length - 1), 1) };
    case 4:
      return { ...before, node: [...before.node, pick(before.node)] };
    default:
      return { ...before, node: replaced(before.node, changeNode) };
  }
}

function mutateStructure(): Uint8Array {
  let changed = graph;
  for (let i = random.integer(1, 2); i > 0; i -= 1) changed = changeGraph(changed);
  return toBytes({ ...message, graph: changed });
}

/** Flips, overwrites, removes, inserts or cuts bytes anywhere. */
function mutateBytes(original: Uint8Array): Uint8Array {
  const bytes = [...original];
  for (let i = random.integer(1, 4); i > 0; i -= 1) {
    const at = random.integer(0, bytes.length - 1);
    const kind = random.integer(0, 9);
    if (kind < 5) bytes[at]! ^= 1 << random.integer(0, 7);
    else if (kind < 8) bytes[at] = pick([0, 1, 0x7f, 0x80, 0xff, random.integer(0, 255)]);
    else if (kind === 8) bytes.splice(at, random.integer(1, 4));
    else if (random.integer(0, 1) === 0) bytes.splice(at, 0, random.integer(0, 255));
    else bytes.length = Math.max(1, at);
  }
  return Uint8Array.from(bytes);
}

const small = new Uint8Array(smallFile());
const exported = new Uint8Array(readFileSync(new URL('../fixtures/shuffle.onnx', import.meta.url)));

const external = withExternalData('values.bin');

/** Another place for the values of a tensor. */
function changePlace(tensor: TensorMessage): TensorMessage {
  const { externalData } = tensor;
  if (externalData.length === 0 || random.integer(0, 3) === 0) return changeTensor(tensor);
  const value = (old: string | undefined) =>
    pick([
      old,
      `${old}0`,
      String(pick(numbers)),
      String(random.integer(0, 4000)),
      'values.bin',
      '../values.bin',
      '',
      '.',
    ]);
  switch (random.integer(0, 3)) {
    case 0:
      return { ...tensor, externalData: externalData.toSpliced(random.integer(0, 2), 1) };
    case 1:
      return { ...tensor, dataLocation: pick([undefined, 0, 2, -1]) };
    default:
      return { ...tensor, externalData: replaced(externalData, (e) => ({ ...e, value: value(e.value) })) };
  }
}

function mutateExternal(): Uint8Array {
  const { initializer } = external.message.graph!;
  const places = initializer.filter(({ externalData }) => externalData.length > 0);
  const chosen = pick(places);
  const changed = initializer.map((tensor) => (tensor === chosen ? changePlace(tensor) : tensor));
  return toBytes({ ...external.message, graph: { ...external.message.graph!, initializer: changed } });
}

/** Reads files that `make` makes, checks how each ends, and says how many ended how. */
async function readAll(
  count: number,
  make: (i: number) => Uint8Array,
  read: (bytes: Uint8Array) => Imported | Promise<Imported>,
) {
  const outcomes = { read: 0, unsupported: 0, damaged: 0 };
  let slowest = 0;
  let largest = 0;
  for (let i = 0; i < count; i += 1) {
    const bytes = make(i);
    const memory = process.memoryUsage.rss();
    const start = performance.now();
    try {
      const { definition, weights } = await read(bytes);
      for (const { name } of definition.parameters) expect(weights.has(name)).toBe(true);
      outcomes.read += 1;
    } catch (error) {
      if (error instanceof FileError) outcomes.damaged += 1;
      else if (error instanceof UnsupportedError) outcomes.unsupported += 1;
      else throw error;
    }
    slowest = Math.max(slowest, performance.now() - start);
    largest = Math.max(largest, process.memoryUsage.rss() - memory - bytes.length);
  }
  console.log(
    `seed ${SEED}: ${outcomes.read} read, ${outcomes.unsupported} not supported, ${outcomes.damaged} damaged, ` +
      `slowest ${slowest.toFixed(1)} ms, at most ${(largest / 2 ** 20).toFixed(1)} MB`,
  );
  expect(outcomes.read).toBeGreaterThan(count * 0.05);
  expect(outcomes.damaged).toBeGreaterThan(count * 0.2);
  expect(slowest).toBeLessThan(1000);
  expect(largest).toBeLessThan(16 * 2 ** 20);
}

test(`${COUNT} files (seed ${SEED})`, { timeout: 120_000 }, async () => {
  await readAll(
    COUNT,
    (i) => (i % 2 === 0 ? mutateStructure() : mutateBytes(i % 20 === 1 ? exported : small)),
    (bytes) => decodeOnnx(bytes, 'mutated', { size: undefined }),
  );
});

test(`${EXTERNAL_COUNT} files with values in another one (seed ${SEED})`, { timeout: 120_000 }, async () => {
  writeFileSync(join(folder, 'values.bin'), external.data);
  const intact = toBytes(external.message);
  await readAll(
    EXTERNAL_COUNT,
    (i) => (i % 2 === 0 ? mutateExternal() : mutateBytes(intact)),
    (bytes) => readOnnx(bytes, join(folder, 'mutated.onnx'), { size: undefined }),
  );
});
