/** The examples run as a user would run them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { listModels } from '../../lib/index.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'senet-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (example: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'examples', example), ...args], { timeout: 90_000 });

test('a model of one’s own', async () => {
  const { stdout } = await run('own_model.mjs');
  expect(stdout).toContain('layer');
  expect(Number(stdout.match(/validation top-1: ([\d.]+)/)?.[1])).toBeGreaterThan(0.9);
  expect(stdout).toMatch(/probabilities: [\d. ]+/);
});

test('the demo, on a few images', async () => {
  const { stdout, stderr } = await run('demo.mjs', '--quick', '--out', folder);
  expect(stderr).toContain('epoch 2/2');
  expect(stdout).toMatch(/watched at http:\/\/127\.0\.0\.1:\d+\//);
  expect(stdout).toContain('Squeeze-and-excitation:');
  for (const name of ['se_resnet14', 'resnet14']) {
    const page = readFileSync(join(folder, name, 'report.html'), 'utf8');
    expect(page.length).toBeLessThan(1_000_000);
    // It needs no network.
    expect(page).not.toMatch(/(?:src|href)="?https?:/);
    expect(page).toContain('Confusion matrix');
    expect(page.includes('Excitations by stage')).toBe(name === 'se_resnet14');
  }
  expect(readFileSync(join(folder, 'runs.html'), 'utf8')).toContain('resnet14');
});

test('the demo without data says what is missing', async () => {
  await expect(run('demo.mjs', '--quick', '--data', folder)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('dataset-fashion-mnist'),
  });
});

test('CommonJS code can require the package', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '-e',
    `const { listModels } = require(${JSON.stringify(join(root, 'dist/index.js'))}); console.log(listModels().length)`,
  ]);
  expect(Number(stdout)).toBe(listModels().length);
});
