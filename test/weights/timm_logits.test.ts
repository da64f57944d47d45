/** Whole weight files of timm's SE-ResNet-50s give timm's logits (fixtures/make_timm_logits.py). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createModel } from '../../lib/create_model.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import type { ParameterSpec } from '../../lib/layers/index.ts';
import type { Model } from '../../lib/model.ts';
import { writeStateDict } from '../../lib/weight_files/files.ts';
import type { StateDict } from '../../lib/weight_files/state_dict.ts';
import { values } from '../helpers/formula.ts';
import { keyList, stateDict, streamFile } from './build_pth.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-timm-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CLASSES = 10;
const SIZE = 64;
const options = { input: [SIZE, SIZE, 3] as const, classes: CLASSES };
const logits = JSON.parse(
  readFileSync(new URL('../fixtures/timm_logits.json', import.meta.url), 'utf8'),
) as Readonly<Record<'seresnet50' | 'legacy_seresnet50', number[]>>;

/** Cadene's name for one of senet's. */
const legacyOf = (name: string): string =>
  name
    .replace(/^(conv1|bn1)\./, 'layer0.$1.')
    .replace('.se.', '.se_module.')
    .replace(/^fc\./, 'last_linear.');

/** The weights of the script, under the names that the file is to have. */
function weights(specs: readonly ParameterSpec[], rename: (name: string) => string): StateDict {
  return new Map(
    specs.map((spec) => {
      const name = rename(spec.name);
      const shape = spec.storedShape ?? spec.shape;
      const isNorm = /bn|downsample\.1/.test(name) && name.endsWith('weight');
      const formula = (): [scale: number, shift: number] => {
        if (shape.length > 1) return [(shape.length === 2 ? 0.02 : 2) / Math.sqrt(sizeOf(shape.slice(1))), 0];
        return name.endsWith('running_var') ? [0.3, 1] : [0.2, isNorm ? 1 : 0];
      };
      return [name, { shape, data: Float32Array.from(values(name, shape, ...formula()).data) }];
    }),
  );
}

/** Writes a state dict as PyTorch before 1.6 did. */
function writeStream(path: string, dict: StateDict): void {
  const specs = [...dict].map(([name, { shape, data }], i) => {
    const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    return [name, { key: `${i}`, elements: data.length, shape, strides }] as const;
  });
  const storages = [...dict.values()].map(({ data }) => {
    return [data.length, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] as const;
  });
  const keys = keyList(...specs.map(([, { key }]) => key));
  writeFileSync(path, streamFile(stateDict(Object.fromEntries(specs)), { keys, storages }));
}

async function expectLogits(model: Model, expected: readonly number[]): Promise<void> {
  const images = Float32Array.from(values('images', [2, SIZE, SIZE, 3]).data);
  const actual = await model.predict(images, { output: 'logits' });
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `logit ${i}`).toBeLessThan(1e-4 * largest);
  });
}

test("seresnet50 from a safetensors file with timm's names", { timeout: 180_000 }, async () => {
  const path = join(folder, 'model.safetensors');
  const model = createModel('seresnet50', options);
  try {
    await writeStateDict(
      path,
      weights(model.definition.parameters, (name) => name),
    );
    const { loaded, kept, format, keys } = await model.load(path);
    expect({ loaded: loaded.length, kept, format, keys }).toEqual({
      loaded: model.definition.parameters.length,
      kept: [],
      format: 'safetensors',
      keys: 'senet',
    });
    await expectLogits(model, logits.seresnet50);
  } finally {
    model.dispose();
  }
});

test("legacy_seresnet50 from a file of PyTorch before 1.6 with Cadene's names", {
  timeout: 180_000,
}, async () => {
  const path = join(folder, 'se_resnet50.pth');
  const model = createModel('legacy_seresnet50', options);
  try {
    writeStream(path, weights(model.definition.parameters, legacyOf));
    const { loaded, kept, format, keys } = await model.load(path);
    expect({ loaded: loaded.length, kept, format, keys }).toEqual({
      loaded: model.definition.parameters.length,
      kept: [],
      format: 'pytorch-stream',
      keys: 'legacy',
    });
    await expectLogits(model, logits.legacy_seresnet50);
  } finally {
    model.dispose();
  }
});
