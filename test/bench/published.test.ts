/** The documents and charts say what bench/results.json has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../scripts/run_script.ts';
import { benchModule } from './bench_module.ts';

const { publish, publishedFiles } = (await benchModule('publish.mjs')) as {
  publish: (report: object) => void;
  publishedFiles: (report: object) => Map<string, string>;
};
const { pageResults } = (await benchModule('report/published.mjs')) as {
  pageResults: (report: object) => string;
};
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

test('published results are in the documents, and nothing else is', () => {
  const files = publishedFiles(JSON.parse(read('bench/results.json')) as object);
  for (const [name, text] of files)
    expect(existsSync(join(root, name)) && read(name) === text, name).toBe(true);
  const charts = [...files.keys()].filter((name) => name.startsWith('docs/charts/'));
  expect(readdirSync(join(root, 'docs/charts')).map((name) => `docs/charts/${name}`)).toEqual(charts.sort());
  expect(read('README.md')).toMatch(/\| se_resnet50 inference, batch 1, 224x224 \| [\d.]+ ms \|/);
});

test('of the zoo the means come first, then each model', () => {
  const pair = { suite: 'pairs', unit: 'ratio', ms: 20.6, againstMs: 26.9, ratio: 0.769 };
  const page = pageResults({
    ...{ machine: 'AMD EPYC', threads: 2, node: 'v20', date: '2030-01-01T00:00:00Z', commit: 'abc' },
    results: [
      { ...pair, measure: 'bn_inception, 224x224, inference, batch 1' },
      { ...pair, measure: 'se_resnet50 inference, batch 16' },
      { suite: 'pairs', measure: 'resnet20, 32x32, inference, batch 1', skipped: 'the peer is not there' },
      { suite: 'pairs', measure: 'inference of the zoo without SE, batch 1', models: 1, ratio: 0.769 },
    ],
  });
  expect(page.split('\n').slice(-2)).toEqual([
    '| 1 models without SE, geometric mean |  |  |  | 0.769 |',
    '| `bn_inception` | 224x224 | 20.6 ms | 26.9 ms | 0.77 |',
  ]);
});

test('a machine is said by what it can do at most; kernels have their rates beside the times of all', () => {
  const kernel = { suite: 'kernels', measure: 'conv 3x3', unit: 'ms', rounds: 3 };
  const step = { op: 'conv2d', layer: 'conv1', flops: 4e6, bytes: 1e6, ms: 1, count: 1 };
  const peak = { flops: 88e9, bandwidth: 15e9 };
  const page = pageResults({
    ...{ machine: 'AMD EPYC', threads: 2, node: 'v20', date: '2030-01-01T00:00:00Z', commit: 'abc' },
    remark: 'Kernels are of another run.',
    results: [
      { ...kernel, contender: 'senet', value: 2, gflops: 80, gbPerSecond: 5, shareOfPeak: 0.9 },
      { ...kernel, contender: 'tfjs-node', value: 5, toFirst: 2.5 },
      { ...kernel, contender: 'senet cuda', skipped: 'no GPU' },
      { suite: 'roofline', measure: 'r', unit: 'ms', value: 1, steps: [step], peak },
      {
        suite: 'roofline',
        measure: 's',
        unit: 'ms',
        value: 1,
        steps: [step],
        peak: { ...peak, bandwidth: 17e9 },
      },
    ],
  });
  expect(page).toContain('AMD EPYC, 2 threads, at most 88.0 GFLOP/s and 17.0 GB/s, Node 20, 2030-01-01');
  expect(page).toContain('in the README. Kernels are of another run.\n');
  expect(page).toContain(
    '| kernel | senet | GFLOP/s | GB/s | of peak | tfjs-node |\n| --- | --- | --- | --- | --- | --- |\n' +
      '| conv 3x3 | 2 ms | 80.0 | 5 | 90 % | 5 ms, 2.5× |',
  );
});

test('a quick run is not published', () => {
  expect(() => publish({ quick: true, results: [] })).toThrow('no figures to publish');
});
