/** The benchmarks run: senet alone, on a small network, from the command to the page. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runScript } from '../scripts/run_script.ts';
import type { Result } from './bench_module.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bench = (...args: string[]) => runScript('bench/run.mjs', args);

test('a quick run prints results, keeps them, and makes a page of them', async () => {
  const [json, html] = ['now.json', 'report.html'].map((name) => join(folder, name)) as [string, string];
  const { code, stdout, stderr } = await bench(
    ...['--quick', '--rounds', '1', '--threads', '1', '--filter', 'inference.* / senet$'],
    ...['--json', json, '--html', html, 'models', 'se-cost', 'event-loop', 'install-size', 'growth'],
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [machine, ...results] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);
  expect(machine).toMatchObject({ threads: 1, senet: expect.any(String), commit: expect.any(String) });
  expect(results).toHaveLength(5);
  expect(results[0]).toMatchObject({ suite: 'models', contender: 'senet', unit: 'ms', rounds: 1, batch: 1 });
  expect(results[0]!.value).toBeGreaterThan(0);
  // A round of each of two pairs of processes.
  expect(results[1]).toMatchObject({ suite: 'se-cost', contender: 'senet', unit: 'ratio', rounds: 2 });
  expect(results[2]).toMatchObject({ suite: 'event-loop', contender: 'senet', unit: 'ms' });
  expect(results[3]).toMatchObject({ suite: 'growth', unit: 'ps a MAC', toBase: { value: 1 } });
  expect(results[4]).toMatchObject({ measure: 'growth with images, se_resnet20 inference, batch 4, 32x32' });
  expect((JSON.parse(readFileSync(json, 'utf8')) as { results: Result[] }).results).toEqual(results);
  expect(readFileSync(html, 'utf8')).toContain('se_resnet20 inference, batch 1, 32x32');

  const again = await bench('--from', json, '--compare', json);
  expect(again.stderr).toMatch(/se_resnet20 inference.* 1\.000/);
});

test('scaling stands beside that of multiply-adds without memory', async () => {
  const { code, stdout } = await bench('--quick', '--rounds', '1', '--threads', '2', 'scaling');
  expect(code).toBe(0);
  const [, result] = stdout.trim().split('\n') as [string, string];
  const one = { value: expect.any(Number), rounds: 1 };
  expect(JSON.parse(result)).toMatchObject({
    suite: 'scaling',
    unit: 'times',
    threads: 2,
    ...one,
    machine: one,
  });
});

test('wrong use is named', async () => {
  expect((await bench('nonsense')).stderr).toMatch(
    /RangeError: bench: expected models, .*received 'nonsense'/,
  );
  expect((await bench('--rounds', '0')).stderr).toContain('--rounds: expected 1 or more, received 0');
});
