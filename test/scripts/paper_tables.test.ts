import { expect, test } from 'vitest';
import { runScript } from './run_script.ts';

test('the page of the paper’s tables is what the zoo counts to', async () => {
  const { code, stderr } = await runScript('scripts/paper_tables.mjs', ['--check']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
