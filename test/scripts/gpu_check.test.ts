/** `npm run gpu:check`, whole, on the simulated GPU and in tiny sizes; and where there is no GPU. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { root, runScript, type ScriptResult, STACK_TRACE } from './run_script.ts';

interface Step {
  op: string;
  ms: number;
  bytes: number;
}
interface Report {
  device: string;
  ops: { op: string; made: number; failures: unknown[] }[];
  layers: { precision: string; made: number; failures: unknown[]; error?: string }[];
  training: { results: { passed: boolean }[] }[];
  models: { name: string; training: boolean; batch: number; wallMs: number; steps: Step[] }[];
  convolutions: { convolutions: { what: string; fused: Step[]; plain: Step[] }[] }[];
}

const folder = mkdtempSync(join(tmpdir(), 'senet-gpu-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

const check = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ScriptResult> =>
  runScript('scripts/gpu_check.mjs', [...args, '--out', folder], {
    SENET_CUDA_LIBRARY: cudaSimLibrary,
    XDG_CACHE_HOME: join(folder, 'cache'),
    ...env,
  });

const reportFile = (): Report => JSON.parse(readFileSync(join(folder, 'gpu-report.json'), 'utf8')) as Report;
const reportText = (): string => readFileSync(join(folder, 'gpu-report.md'), 'utf8');

test('is a command of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['gpu:check']).toBe('node scripts/gpu_check.mjs');
});

describe('everything, small', () => {
  let result: ScriptResult;
  let report: Report;
  beforeAll(async () => {
    result = await check(['--small']);
    expect(result.code, result.stderr).toBe(0);
    report = reportFile();
  }, 300_000);

  test('checks every op, some also in types of fewer bits', () => {
    const names = [...new Set(allCases().map(({ op }) => op))];
    expect(report.ops.map(({ op }) => op)).toEqual(names);
    expect(report.ops.every(({ made, failures }) => made > 0 && failures.length === 0)).toBe(true);
    expect(report.ops.reduce((sum, { made }) => sum + made, 0)).toBeGreaterThan(2 * allCases().length);
    expect(report.layers.map(({ precision }) => precision)).toContain('bfloat16');
  });

  test('trains', () => {
    const results = report.training.flatMap((group) => group.results);
    expect(results.length).toBeGreaterThan(8);
    expect(results.every(({ passed }) => passed)).toBe(true);
  });

  test('times both models, with what each step moves', () => {
    expect(report.models.map(({ name, training, batch }) => `${name} ${training} ${batch}`)).toEqual(
      ['se_resnet14', 'resnet14'].flatMap((name) => [`${name} true 2`, `${name} false 1`, `${name} false 2`]),
    );
    for (const { wallMs, steps } of report.models) {
      expect(wallMs).toBeGreaterThan(0);
      expect(steps.filter(({ bytes }) => bytes > 0).length).toBeGreaterThan(10);
    }
  });

  test('times fused convolutions against plain ops', () => {
    const [{ convolutions }] = report.convolutions as [Report['convolutions'][number]];
    const gated = convolutions.filter(({ what }) => what.includes('gate'));
    expect(gated.length).toBeGreaterThan(2);
    for (const { fused, plain } of gated) {
      expect(fused.map(({ op }) => op)).toEqual(['conv2d_fused']);
      expect(plain.map(({ op }) => op)).toEqual(['conv2d', 'multiply', 'add', 'activation']);
    }
  });

  test('says all of it in a report', () => {
    const text = reportText();
    expect(text).toContain(report.device);
    expect(text).toContain('All passed.');
    for (const title of ['Machine', 'Ops', 'Layers', 'Models', 'Times', 'Fused convolutions']) {
      expect(text).toMatch(new RegExp(`^## ${title}`, 'm'));
    }
    expect(text).toContain('floors are those of an H100');
    expect(text).not.toMatch(/undefined|[|] NaN|\[object/);
  });
});

test('a part that crashes is reported, and the others go on', async () => {
  const murder = join(folder, 'murder.mjs');
  writeFileSync(
    murder,
    "if (process.argv.at(-1).includes('float16')) process.kill(process.pid, 'SIGKILL');\n",
  );
  const { code, stderr } = await check(['layers', '--small'], {
    NODE_OPTIONS: `--import ${pathToFileURL(murder).href}`,
  });
  expect(code, stderr).toBe(1);
  const errors = reportFile().layers.map(({ precision, error }) => [precision, error]);
  expect(errors).toEqual([
    ['float32', undefined],
    ['tf32', undefined],
    ['float16', expect.stringMatching(/^ended by SIGKILL/)],
    ['bfloat16', expect.stringMatching(/^ended by SIGKILL/)],
  ]);
  expect(reportText()).toContain('**Not all passed.**');
}, 120_000);

test('some parts alone, autotuned, for a GPU whose figures are named', async () => {
  const named = ['--bandwidth', '2039', '--flops', '250'];
  const { code, stderr } = await check(['models', 'convolutions', '--small', '--autotune', ...named]);
  expect(code, stderr).toBe(0);
  expect(Object.keys(reportFile())).not.toContain('ops');
  expect(reportText()).toContain('2039 GB/s and 250 TFLOP/s');
  expect(reportText()).toContain('se_resnet14 training, batch 2, autotuned');
}, 120_000);

test('without a GPU it says so, with what the doctor found', async () => {
  const { code, stderr } = await check([], { SENET_CUDA_LIBRARY: join(folder, 'missing.so') });
  expect(code).toBe(2);
  expect(stderr).toContain('gpu:check: no GPU can be used');
  expect(stderr).toContain('CUDA backend');
  expect(stderr).not.toMatch(STACK_TRACE);
});

test.each([[['everything']], [['--fast']], [['--flops', 'many']]])('refuses %j', async (args) => {
  const { code, stderr } = await check(args);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^gpu:check: /);
  expect(stderr).not.toMatch(STACK_TRACE);
});

describe('floors', async () => {
  interface Peak {
    bandwidth: number;
    flops: number;
    known: boolean;
  }
  const { floorOf, paperFloor, peakOf } = (await import(
    pathToFileURL(join(root, 'scripts/gpu_check/peak.mjs')).href
  )) as {
    peakOf: (description: string, named?: { bandwidth?: number; flops?: number }) => Peak;
    floorOf: (step: { bytes: number; flops: number }, peak: Peak) => number;
    paperFloor: (
      run: { name: string; training: boolean; batch: number; size: number },
      peak: Peak,
    ) => number | undefined;
  };
  const h100 = peakOf('NVIDIA H100 80GB HBM3, compute capability 9.0, 79 GB');

  test('follow from the GPU’s name, or from named figures', () => {
    expect(h100).toEqual({ bandwidth: 3.35e12, flops: 8e14, known: true });
    expect(peakOf('NVIDIA H200, compute capability 9.0, 139 GB').bandwidth).toBe(4.8e12);
    expect(peakOf('another')).toEqual({ ...h100, known: false });
    expect(peakOf('another', { bandwidth: 1e12, flops: 1e14 })).toEqual({
      bandwidth: 1e12,
      flops: 1e14,
      known: true,
    });
  });

  test('are the larger of bytes and operations', () => {
    expect(floorOf({ bytes: 3.35e9, flops: 0 }, h100)).toBeCloseTo(1);
    expect(floorOf({ bytes: 3.35e9, flops: 1.6e12 }, h100)).toBeCloseTo(2);
  });

  test('on paper are for one size and scale with bandwidth', () => {
    const run = { name: 'se_resnet50', training: true, batch: 256, size: 224 };
    expect(paperFloor(run, h100)).toBeCloseTo(28.6);
    expect(paperFloor(run, { ...h100, bandwidth: 6.7e12 })).toBeCloseTo(14.3);
    expect(paperFloor({ ...run, batch: 1 }, h100)).toBeUndefined();
  });
});
