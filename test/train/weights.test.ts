/** Weights on their way out of a model and into another. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { ArgumentError, FileError, ShapeError, WeightsError } from '../../lib/errors.ts';
import { Model } from '../../lib/model.ts';
import { readFile } from '../io/read_bytes.ts';
import { batches, batchOf, bitsOf, definition, tiny } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-weights-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const opened: Model[] = [];
const open = async (seed: number): Promise<Model> => {
  const model = await tiny({ seed });
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});
const wrong = <T>(value: unknown): T => value as T;

describe('files', () => {
  test('a saved model is the same when loaded, bit for bit', async () => {
    const [first, second] = [await open(1), await open(2)];
    await first.fit(batches(3), { epochs: 1 });
    const path = join(folder, 'model.safetensors');
    await first.save(path);
    await second.load(path);
    expect(await bitsOf(second)).toBe(await bitsOf(first));
    const { images } = batchOf(5);
    expect(await second.predict(images)).toEqual(await first.predict(images));
    const { tensors, metadata } = await readFile(path);
    expect(tensors.get('block.se.fc1.weight')!.shape).toEqual([4, 16, 1, 1]);
    expect(metadata.get('senet.model')).toBe('tiny');
  });

  test('a damaged file changes nothing', async () => {
    const model = await open(1);
    const before = await bitsOf(model);
    const path = join(folder, 'damaged.safetensors');
    writeFileSync(path, Buffer.alloc(100, 7));
    await expect(model.load(path)).rejects.toThrow(FileError);
    await expect(model.load(join(folder, 'absent'))).rejects.toThrow(FileError);
    expect(await bitsOf(model)).toBe(before);
  });
});

describe('state dicts', () => {
  test('one error lists everything that does not fit, and nothing changes', async () => {
    const model = await open(1);
    const before = await bitsOf(model);
    const state = new Map(await model.stateDict());
    state.delete('bn1.weight');
    state.set('extra', { shape: [1], data: new Float32Array(1) });
    state.set('fc.bias', { shape: [5], data: new Float32Array(5) });
    state.set('bn1.num_batches_tracked', { shape: [], data: new Float32Array(1) });
    const error = await model.loadStateDict(state).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WeightsError);
    expect(error).toMatchObject({
      missing: ['bn1.weight'],
      unexpected: ['extra'],
      code: 'ERR_SENET_WEIGHTS',
    });
    expect((error as Error).message).toContain('fc.bias (expected 4, received 5)');
    await expect(model.loadStateDict(state, { strict: false })).rejects.toThrow(WeightsError);
    expect(await bitsOf(model)).toBe(before);
  });

  test('lenient loading takes what is there', async () => {
    const [model, other] = [await open(1), await open(2)];
    const weight = (await other.stateDict()).get('fc.weight')!;
    await model.loadStateDict(new Map([['fc.weight', weight]]), { strict: false });
    expect((await model.stateDict()).get('fc.weight')!.data).toEqual(weight.data);
  });

  test('before a model is compiled, too', async () => {
    const [model, other] = [new Model(definition, { seed: 1 }), await open(2)];
    opened.push(model);
    await model.loadStateDict(await other.stateDict());
    expect(await bitsOf(model)).toBe(await bitsOf(other));
  });

  test('values of the wrong kind', async () => {
    const model = await open(1);
    await expect(model.loadStateDict(wrong({}))).rejects.toThrow(ArgumentError);
    const state = new Map(await model.stateDict());
    state.set('fc.bias', { shape: [4], data: new Float32Array(3) });
    await expect(model.loadStateDict(state)).rejects.toThrow(ShapeError);
    state.set('fc.bias', { shape: [4], data: wrong([1, 2, 3, 4]) });
    await expect(model.loadStateDict(state)).rejects.toThrow(ArgumentError);
    await expect(model.save('')).rejects.toThrow(/path/);
    await expect(model.load(wrong(3))).rejects.toThrow(ArgumentError);
  });
});
