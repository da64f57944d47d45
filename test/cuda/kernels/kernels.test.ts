/**
 * The kernels on the simulated device: against plain loops, in several orders and fillings of memory, under the
 * sanitizers, and with their traffic counted. Each program runs all of its tests and says which failed.
 */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildOnSim, type SimMode } from '../../helpers/cuda_sim.ts';

const modes: readonly SimMode[] = ['plain', 'asan', 'tsan', 'traffic'];
const programs = new Map<SimMode, string>();

beforeAll(() => {
  for (const mode of modes) programs.set(mode, buildOnSim(mode, 'kernel_tests'));
}, 900_000);

function run(mode: SimMode, env: Record<string, string>, names: readonly string[] = []): void {
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  const { stdout, stderr, status } = spawnSync(programs.get(mode)!, names, options);
  expect(stderr).toBe('');
  expect(stdout).not.toMatch(/^FAIL/m);
  expect(stdout).toMatch(/^0 of [1-9]\d* tests failed$/m);
  expect(status).toBe(0);
}

describe('kernels', () => {
  test.each<[SimMode, Record<string, string>]>([
    ['plain', { SENET_SIM_SCHEDULE: 'reverse', SENET_SIM_FILL: '0x7b' }],
    ['asan', { SENET_SIM_SCHEDULE: 'random', SENET_SIM_SEED: '2' }],
    ['tsan', { SENET_SIM_SCHEDULE: 'random', SENET_SIM_SEED: '3' }],
  ])('%s, %j', (mode, env) => run(mode, env), 300_000);

  test('a tail of norm, excitation, residual and ReLU moves each map once a pass', () => {
    run('traffic', {}, ['traffic']);
  });
});
