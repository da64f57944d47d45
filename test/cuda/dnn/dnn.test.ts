/** The dnn layer on the emulated cuDNN: builds its C++ tests and runs them. */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildOnSim, type SimMode } from '../../helpers/cuda_sim.ts';

const programs = new Map<SimMode, string>();

beforeAll(() => {
  for (const mode of ['plain', 'asan'] as const) programs.set(mode, buildOnSim(mode, 'dnn_tests'));
}, 600_000);

describe('dnn on the emulated cuDNN', () => {
  // Memory starts as NaN, or as finite garbage: each finds what the other hides.
  test.each<[SimMode, string]>([
    ['plain', '0xff'],
    ['plain', '0x7b'],
    ['asan', '0xff'],
  ])('%s, memory filled with %s', (mode, fill) => {
    const env = { ...process.env, SENET_SIM_FILL: fill };
    const { stdout, stderr, status } = spawnSync(programs.get(mode)!, { encoding: 'utf8', env });
    expect(`${stdout}${stderr}`).not.toMatch(/^FAIL/m);
    expect(stdout).toMatch(/^\d{3} cases, 0 failed$/m);
    expect(status).toBe(0);
  });
});
