/** What importing weights costs beside the bytes themselves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { expectNoCrash, runNode } from './run_node.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('100 MB of safetensors in 1.2 times the memory and twice the time of reading it', async () => {
  const result = await runNode('import_memory.mjs', { args: [folder, '100', '40'], timeoutMs: 110_000 });
  expectNoCrash(result);
  expect(result.code, result.stderr).toBe(0);
  const { bytes, memory, time } = JSON.parse(result.stdout) as Record<'bytes' | 'memory' | 'time', number>;
  console.log(result.stdout.trim());
  expect(bytes).toBeGreaterThan(99e6);
  expect(memory).toBeLessThan(1.2);
  expect(time).toBeLessThan(2);
}, 120_000);
