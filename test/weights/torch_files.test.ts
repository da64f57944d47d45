/** Files that PyTorch and Python's safetensors wrote (fixtures/make_weights.py), read and loaded. */
import { afterEach, describe, expect, test } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { openWeights } from '../../lib/io/open_weights.ts';
import { Model } from '../../lib/model.ts';
import { readStateDict } from '../../lib/weight_files/files.ts';
import { expectClose } from '../helpers/close.ts';
import { tensor } from '../reference/index.ts';
import { fixture, images, probabilities, small, weight } from './small.ts';

const opened: Model[] = [];
const open = (): Model => {
  const model = new Model(small, { seed: 5 });
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});

/** File, format, type of its values, and the largest relative error of these: rounding, for float32 that of two sines. */
const files = [
  ['python.safetensors', 'safetensors', 'float32', 2 ** -23],
  ['zip.pth', 'pytorch-zip', 'float32', 2 ** -23],
  ['stream.pth', 'pytorch-stream', 'float32', 2 ** -23],
  ['float16.bin', 'pytorch-zip', 'float16', 2 ** -11],
  ['float16_stream.bin', 'pytorch-stream', 'float16', 2 ** -11],
  ['bfloat16.bin', 'pytorch-zip', 'bfloat16', 2 ** -8],
  ['bfloat16_stream.bin', 'pytorch-stream', 'bfloat16', 2 ** -8],
  ['float64.bin', 'pytorch-zip', 'float64', 2 ** -23],
  ['float64_stream.bin', 'pytorch-stream', 'float64', 2 ** -23],
  ['legacy_stream.pth', 'pytorch-stream', 'float32', 2 ** -23],
  ['checkpoint.pt', 'pytorch-zip', 'float32', 2 ** -23],
  ['checkpoint_stream.pt', 'pytorch-stream', 'float32', 2 ** -23],
] as const;

describe.each(files)('%s', (name, format, type, error) => {
  test('every value', async () => {
    const state = await readStateDict(fixture(name), { keys: 'auto' });
    expect([...state.keys()].sort()).toEqual(small.parameters.map((spec) => spec.name).sort());
    for (const [key, { shape, data }] of state) {
      const expected = weight(key, shape.slice(0, key === 'fc.weight' ? 2 : 4));
      expect(data.length).toBe(expected.length);
      // Below the smallest normal half float the error is absolute.
      for (const [i, value] of expected.entries()) {
        const bound = Math.max(error * Math.abs(value), 2 ** -25);
        expect(Math.abs(data[i]! - value), `${key}[${i}]`).toBeLessThanOrEqual(bound);
      }
    }
  });

  test('loads and computes what PyTorch computes', async () => {
    const model = open();
    const result = await model.load(fixture(name));
    expect(result.format).toBe(format);
    expect(result.keys).toBe(name.startsWith('legacy') ? 'legacy' : 'senet');
    expect(result.loaded).toEqual(small.parameters.map((spec) => spec.name));
    expect(result.kept).toEqual([]);
    expect(result.ignored.every((key) => key.endsWith('num_batches_tracked'))).toBe(true);
    const expected = tensor([6], probabilities[type]);
    expectClose(await model.predict(images), expected, { reduction: 4096, dtype: 'f32' });
  });
});

test('names, types and shapes are known before anything is read', async () => {
  await using file = await openWeights(fixture('float16.bin'));
  const conv = file.tensors.get('conv1.weight')!;
  expect(conv).toMatchObject({ dtype: 'F16', shape: [4, 3, 3, 3], byteLength: 216, isFloat: true });
  expect((await conv.read()).data.byteLength).toBe(216);
  const counter = file.tensors.get('bn1.num_batches_tracked')!;
  expect(counter).toMatchObject({ dtype: 'I64', shape: [], isFloat: false });
  expect([...(await counter.read()).data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  await expect(counter.toFloat32()).rejects.toThrow(
    /expected a tensor of F32, F64, F16 or BF16, received I64/,
  );
});

test('what stands beside the state dict of a checkpoint', async () => {
  await using file = await openWeights(fixture('checkpoint.pt'));
  expect([...file.metadata]).toEqual([
    ['epoch', '3'],
    ['arch', 'small'],
    ['lr', '0.1'],
    ['done', 'false'],
  ]);
  await using python = await openWeights(fixture('python.safetensors'));
  expect(python.metadata.get('note')).toBe('é');
});

test('a whole module is refused by the name of its class', async () => {
  const error = await openWeights(fixture('module.pth')).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FileError);
  expect(String(error)).toContain("the Python object 'torch.nn.modules.container.Sequential'");
  expect(String(error)).toContain("record 'module/data.pkl', byte 2");
});
