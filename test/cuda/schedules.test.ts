/**
 * The suites of ops once more, with blocks and threads of the simulated GPU in other orders and fresh memory full of
 * another pattern than NaNs; and training, whose bits depend on neither.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { expectNoCrash, runNode } from '../process/run_node.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const schedules: readonly Record<string, string>[] = [
  { SENET_SIM_SCHEDULE: 'reverse', SENET_SIM_FILL: '0x7b' },
  { SENET_SIM_SCHEDULE: 'random', SENET_SIM_SEED: '20260101' },
];

test.each(schedules)(
  'the suites of ops, %j',
  async (schedule) => {
    const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/ops', '-t', 'cuda-sim'];
    const env = { ...process.env, NO_COLOR: '1', ...schedule };
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      env,
      maxBuffer: 1 << 26,
    });
    expect(stdout).toMatch(/Tests\s+\d{3,4} passed/);
  },
  300_000,
);

test('se_resnet20 trains to the same bits in every order', async () => {
  const bits = async (schedule: Record<string, string>): Promise<string> => {
    const env = { SENET_TEST_DEVICE: 'cuda', SENET_CUDA_LIBRARY: cudaSimLibrary, ...schedule };
    const result = await runNode('bits.mjs', { env });
    expectNoCrash(result);
    return result.stdout;
  };
  const [forward, ...others] = await Promise.all([{}, ...schedules].map(bits));
  expect(forward).toMatch(/^[0-9a-f]{64}\n$/);
  for (const other of others) expect(other).toBe(forward);
}, 120_000);
