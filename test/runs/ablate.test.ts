/** Comparisons of variants over seeds. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ablate, ablations, createModel, type RunConfig, readRun } from '../../lib/index.ts';
import { runScript } from '../scripts/run_script.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-ablate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base: RunConfig = {
  model: 'se_resnet14',
  modelOptions: { input: [16, 16, 3], dropout: 0.1 },
  data: { kind: 'folder', directory: join(folder, 'photos'), validation: 0.5 },
  epochs: 1,
  batchSize: 4,
  schedule: { kind: 'constant', lr: 0.02 },
  compile: { device: 'cpu', threads: 1 },
};

beforeAll(async () => {
  for (const [i, name] of ['dark', 'light'].entries()) {
    mkdirSync(join(folder, 'photos', name), { recursive: true });
    for (let k = 0; k < 6; k += 1) {
      const background = { r: 150 * i + 10 * k, g: 100, b: 30 * k };
      const picture = sharp({ create: { width: 18, height: 20, channels: 3, background } });
      writeFileSync(join(folder, 'photos', name, `${k}.png`), await picture.png().toBuffer());
    }
  }
});

describe('ablate', () => {
  test('trains each variant with each seed, and what is done only once', async () => {
    const directory = join(folder, 'gates');
    const told: string[] = [];
    const steps: string[] = [];
    const compare = () =>
      ablate({
        base,
        variants: ablations.gate,
        seeds: [1, 2],
        directory,
        onRun: ({ variant, seed }) => void told.push(`${variant} ${seed}`),
        callbacks: () => [{ onStepEnd: () => void steps.push(told.at(-1)!) }],
      });
    const results = await compare();
    expect(told).toEqual(['sigmoid', 'relu', 'tanh'].flatMap((gate) => [`${gate} 1`, `${gate} 2`]));
    expect(steps.length).toBe(12);
    expect(results.map(({ variant }) => variant)).toEqual(['sigmoid', 'relu', 'tanh']);
    for (const { top1, sample, difference } of results) {
      expect(top1.length).toBe(2);
      expect(sample.mean).toBeCloseTo((top1[0]! + top1[1]!) / 2, 12);
      expect(difference).toBeCloseTo(sample.mean - results[0]!.sample.mean, 12);
    }
    const { config } = await readRun(join(directory, 'tanh', 'seed-2'));
    expect(config).toMatchObject({ seed: 2, modelOptions: { dropout: 0.1, se: { gate: 'tanh' } } });
    expect(await compare()).toEqual(results);
    expect(steps.length).toBe(12);
    // Runs of another base are not taken for its own.
    const other = { base: { ...base, batchSize: 3 }, variants: ablations.gate, seeds: [1], directory };
    await expect(ablate(other)).rejects.toThrow(/another configuration/);
    expect((await readRun(join(directory, 'sigmoid', 'seed-1'))).config.batchSize).toBe(4);
  });

  test('the paper’s variants are networks', () => {
    for (const variants of Object.values(ablations)) {
      for (const { modelOptions } of Object.values(variants))
        createModel('se_resnet20', modelOptions).dispose();
    }
  });

  test.each([
    [{ variants: {} }, /variants: expected variants by name/],
    [{ variants: { '../a': {} } }, /received '\.\.\/a'/],
    [{ variants: { a: { epoch: 1 } } }, /^ablate: variants\.a: epoch: there is no such field/],
    [{ base: { model: 'se_resnet14' } }, /^ablate: base: data: /],
    [{ seeds: [1, 1] }, /seeds: expected different seeds/],
    [{ seeds: [-1] }, /seeds: /],
    [{ directory: '' }, /directory: /],
  ])('%j is refused', async (change, message) => {
    const options = { base, variants: ablations.none, seeds: [1], directory: folder, ...change };
    await expect(ablate(options as never)).rejects.toThrow(message);
  });
});

test('senet ablate prints a table', async () => {
  const file = join(folder, 'base.json');
  writeFileSync(
    file,
    JSON.stringify({ ...base, variants: { plain: {}, frozen: { compile: { freeze: ['conv1'] } } } }),
  );
  const out = join(folder, 'own');
  const { code, stdout, stderr } = await runScript('bin/senet.mjs', [
    'ablate',
    file,
    '--out',
    out,
    '--seeds',
    '4',
  ]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(
    /^variant +seeds +top-1 % +deviation +difference +p\nplain +1 +[\d.]+ +- +- +-\nfrozen +1 /,
  );
  expect(readdirSync(out).sort()).toEqual(['frozen', 'plain']);
  for (const [args, message] of [
    [['ablate', file], /expected --out/],
    [['ablate', file, '--out', out, '--variants', 'size'], /--variants: expected ratio/],
    [['ablate', file, '--out', out, '--seeds', 'a'], /--seeds: expected/],
  ] as const)
    expect(await runScript('bin/senet.mjs', [...args])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    });
});
