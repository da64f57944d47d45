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
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

test('published results are in the documents, and nothing else is', () => {
  const files = publishedFiles(JSON.parse(read('bench/results.json')) as object);
  for (const [name, text] of files)
    expect(existsSync(join(root, name)) && read(name) === text, name).toBe(true);
  const charts = [...files.keys()].filter((name) => name.startsWith('docs/charts/'));
  expect(readdirSync(join(root, 'docs/charts')).map((name) => `docs/charts/${name}`)).toEqual(charts.sort());
  expect(read('README.md')).toMatch(/\| se_resnet50 inference, batch 1, 224x224 \| [\d.]+ ms \|/);
});

test('a quick run is not published', () => {
  expect(() => publish({ quick: true, results: [] })).toThrow('no figures to publish');
});
