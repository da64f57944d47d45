/** `npm run setup` where all is built already, as it is before each test run. */
import { expect, test } from 'vitest';
import { runScript } from './run_script.ts';

test('leaves the CUDA backend out when told so', async () => {
  const start = performance.now();
  const { code, stderr } = await runScript('scripts/setup.mjs', [], { SENET_CUDA: 'off' });
  expect(code).toBe(0);
  expect(stderr).toBe('senet setup: SENET_CUDA=off, no CUDA backend\n');
  expect(performance.now() - start).toBeLessThan(30_000);
});
