/** Loading weights into models: names of other projects, classifiers, what is reported, and what must not happen. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createModel } from '../../lib/create_model.ts';
import { ArgumentError, ArgumentRangeError, FileError, WeightsError } from '../../lib/errors.ts';
import { writeSafetensors } from '../../lib/io/safetensors_writer.ts';
import { defineModel, globalAvgPool, linear } from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import { readStateDict, writeStateDict } from '../../lib/weight_files/files.ts';
import { mapKeys } from '../../lib/weight_files/key_maps.ts';
import type { StateDict } from '../../lib/weight_files/state_dict.ts';
import { fixture, small } from './small.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-load-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const opened: Model[] = [];
const keep = (model: Model): Model => {
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});
const wrong = <T>(value: unknown): T => value as T;
const names = small.parameters.map(({ name }) => name);

const legacyOf = (name: string): string =>
  name
    .replace(/^(conv1|bn1)\./, 'layer0.$1.')
    .replace('.se.', '.se_module.')
    .replace(/^fc\./, 'last_linear.');

describe('names', () => {
  test.each([
    ['senet', (name: string) => name, 'senet'],
    ['legacy', legacyOf, 'legacy'],
    ['data parallel', (name: string) => `module.${name}`, 'senet'],
    ['compiled, data parallel and legacy', (name: string) => `_orig_mod.module.${legacyOf(name)}`, 'legacy'],
  ] as const)('%s', async (_, rename, keys) => {
    const source = await keep(new Model(small, { seed: 1 })).stateDict();
    const model = keep(new Model(small, { seed: 2 }));
    const result = await model.loadStateDict(new Map([...source].map(([name, t]) => [rename(name), t])));
    expect(result).toEqual({ loaded: names, kept: [], ignored: [], keys });
    expect(await model.stateDict()).toEqual(source);
  });

  test('legacy names of every SE-ResNet and of SENet-154 with its stem of three convolutions', () => {
    const deep: Record<string, string> = {
      'layer0.conv1.weight': 'conv1.0.weight',
      'layer0.bn1.running_mean': 'conv1.1.running_mean',
      'layer0.conv2.weight': 'conv1.3.weight',
      'layer0.bn2.bias': 'conv1.4.bias',
      'layer0.conv3.weight': 'conv1.6.weight',
      'layer0.bn3.running_var': 'bn1.running_var',
      'layer1.0.se_module.fc1.weight': 'layer1.0.se.fc1.weight',
      'layer4.2.downsample.1.bias': 'layer4.2.downsample.1.bias',
      'last_linear.bias': 'fc.bias',
    };
    expect(mapKeys(Object.keys(deep), 'auto')).toEqual({ keys: 'legacy', names: Object.values(deep) });
    const plain = ['layer0.conv1.weight', 'layer0.bn1.bias', 'layer0.pool'];
    expect(mapKeys(plain, 'legacy').names).toEqual(['conv1.weight', 'bn1.bias', 'layer0.pool']);
    expect(mapKeys(plain, 'torchvision').names).toEqual(plain);
    expect(mapKeys([], 'auto')).toEqual({ keys: 'senet', names: [] });
  });

  test("a network whose own names look like another's", async () => {
    const own = defineModel({ input: [4, 4, 2] }, (x) =>
      linear(globalAvgPool(x), { units: 2, name: 'last_linear' }),
    );
    const state = await keep(new Model(own, { seed: 1 })).stateDict();
    const model = keep(new Model(own, { seed: 2 }));
    expect((await model.loadStateDict(state)).keys).toBe('senet');
    await expect(model.loadStateDict(state, { keys: 'legacy' })).rejects.toThrow(
      /unexpected \(2\): last_linear/,
    );
  });

  test('two names for one parameter', async () => {
    const model = keep(new Model(small));
    const state = new Map(await model.stateDict());
    state.set('last_linear.bias', state.get('fc.bias')!);
    const error = await model.loadStateDict(state, { keys: 'legacy' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WeightsError);
    expect(error).toMatchObject({
      missing: [],
      unexpected: ['last_linear.bias as fc.bias, which fc.bias is already'],
    });
  });
});

describe('classifiers', () => {
  const other = () => keep(createModel('se_resnet14', { input: [8, 8, 3], classes: 7, seed: 1 }));
  const mine = () => keep(createModel('se_resnet14', { input: [8, 8, 3], classes: 10, seed: 2 }));

  test('of other classes keep their values when asked to', async () => {
    const path = join(folder, 'seven.safetensors');
    await other().save(path);
    const model = mine();
    const before = (await model.stateDict()).get('fc.weight')!.data;
    await expect(model.load(path)).rejects.toThrow(
      /wrong shape \(2\): .*fc.weight \(expected 10x64, received 7x64\)/,
    );
    await expect(model.load(path, { strict: false })).rejects.toThrow(WeightsError);
    const result = await model.load(path, { classifier: 'keep' });
    expect(result.kept).toEqual(['fc.weight', 'fc.bias']);
    expect([...result.ignored].sort()).toEqual(['fc.bias', 'fc.weight']);
    const after = await model.stateDict();
    expect(after.get('fc.weight')!.data).toEqual(before);
    const loaded = (await other().stateDict()).get('layer1.0.conv1.weight')!.data;
    expect(after.get('layer1.0.conv1.weight')!.data).toEqual(loaded);
  });

  test('may be absent when they are kept', async () => {
    const state = new Map(await other().stateDict());
    state.delete('fc.weight');
    state.delete('fc.bias');
    const result = await mine().loadStateDict(state, { classifier: 'keep' });
    expect(result.kept).toEqual(['fc.weight', 'fc.bias']);
    expect(result.ignored).toEqual([]);
  });

  test('and gates as 1x1 convolutions or matrices', async () => {
    const source = await keep(new Model(small, { seed: 1 })).stateDict();
    const swapped = new Map(
      [...source].map(([name, { shape, data }]) => {
        if (name === 'fc.weight') return [name, { shape: [...shape, 1, 1], data }];
        return [name, { shape: name.includes('.se.') ? shape.slice(0, 2) : shape, data }];
      }),
    );
    const model = keep(new Model(small, { seed: 2 }));
    await model.loadStateDict(swapped);
    expect(await model.stateDict()).toEqual(source);
  });
});

describe('what does not fit', () => {
  test('types are part of the one list, and nothing changes', async () => {
    const model = keep(new Model(small));
    const before = await model.stateDict();
    const tensors = new Map(
      [...before].map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape, data }] as const),
    );
    const bytes = new Int32Array(3);
    const path = join(folder, 'integers.safetensors');
    const bad = [...tensors].filter(([name]) => name !== 'bn1.bias' && name !== 'fc.bias');
    await writeSafetensors(path, [
      ...bad,
      ['fc.bias', { dtype: 'I32', shape: [3], data: bytes }],
      ['extra', { dtype: 'I32', shape: [3], data: bytes }],
    ]);
    const error = await model.load(path).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'ERR_SENET_WEIGHTS',
      missing: ['bn1.bias'],
      unexpected: ['extra'],
      mismatched: ['fc.bias (expected floating-point values, received I32)'],
    });
    expect(await model.stateDict()).toEqual(before);
  });

  test('lenient loading says what it did', async () => {
    const model = keep(new Model(small, { seed: 1 }));
    const data = new Float32Array(3).fill(7);
    const weights: StateDict = new Map([
      ['last_linear.bias', { shape: [3], data }],
      ['aux.weight', { shape: [1], data: new Float32Array(1) }],
    ]);
    const result = await model.loadStateDict(weights, { strict: false });
    expect(result).toEqual({
      loaded: ['fc.bias'],
      kept: names.filter((name) => name !== 'fc.bias'),
      ignored: ['aux.weight'],
      keys: 'legacy',
    });
    data.fill(0);
    expect((await model.stateDict()).get('fc.bias')!.data).toEqual(new Float32Array(3).fill(7));
  });

  test('wrong options, and an aborted load', async () => {
    const model = keep(new Model(small));
    const path = fixture('zip.pth');
    await expect(model.load(path, wrong({ keys: 'keras' }))).rejects.toThrow(
      /load: keys: expected auto \| senet \| legacy \| torchvision, received 'keras'/,
    );
    await expect(model.load(path, wrong({ classifier: true }))).rejects.toThrow(ArgumentError);
    await expect(model.load(path, wrong({ strict: 1 }))).rejects.toThrow(ArgumentError);
    await expect(model.load(path, wrong({ clasifier: 'keep' }))).rejects.toThrow(ArgumentError);
    await expect(model.load('')).rejects.toThrow(ArgumentRangeError);
    await expect(model.load(path, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
    await expect(model.loadStateDict(new Map(), wrong({ signal: 1 }))).rejects.toThrow(ArgumentError);
    await expect(readStateDict(path, wrong({ keys: 'x' }))).rejects.toThrow(ArgumentRangeError);
    await expect(writeStateDict(path, wrong({}))).rejects.toThrow(ArgumentError);
    await expect(model.load(folder)).rejects.toThrow(FileError);
  });
});

test('state dicts between files', async () => {
  const path = join(folder, 'converted.safetensors');
  const weights = await readStateDict(fixture('legacy_stream.pth'), { keys: 'auto' });
  await writeStateDict(path, weights, { metadata: [['note', 'converted']] });
  expect(await readStateDict(path)).toEqual(weights);
  const raw = await readStateDict(fixture('legacy_stream.pth'));
  expect([...raw.keys()]).toContain('module.layer0.conv1.weight');
});
