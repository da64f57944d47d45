/**
 * The native code under address and undefined-behaviour sanitizers with a leak check: the op suites, training, faults
 * at every entry, and faults of the simulated GPU. Builds the addon once more, with the sanitizers.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildOnSim } from '../helpers/cuda_sim.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const addon = join(root, 'build-sanitize/Release/senet.node');
let cudaLibrary = '';

beforeAll(() => {
  const cmake = join(root, 'node_modules/cmake-js/bin/cmake-js');
  const args = ['build', '--out', join(root, 'build-sanitize'), '--CDSENET_SANITIZE=ON', '--parallel', '2'];
  execFileSync(process.execPath, [cmake, ...args], { cwd: root, stdio: 'pipe' });
  expect(existsSync(addon)).toBe(true);
  cudaLibrary = buildOnSim('asan', 'senet_cuda_sim');
}, 1_200_000);

async function run(args: readonly string[], timeout: number): Promise<string> {
  const library = execFileSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    LD_PRELOAD: library,
    SENET_ADDON: addon,
    SENET_CUDA_LIBRARY: cudaLibrary,
    SENET_SIM_MODE: 'asan',
    ASAN_OPTIONS: 'detect_leaks=1',
    LSAN_OPTIONS: `suppressions=${join(root, 'test/sanitize/lsan.supp')}:print_suppressions=0`,
    UBSAN_OPTIONS: 'print_stacktrace=1',
    NO_COLOR: '1',
  };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env,
    timeout,
    maxBuffer: 1 << 26,
  });
  expect(stderr).not.toMatch(/AddressSanitizer|LeakSanitizer|runtime error:/);
  return stdout;
}

describe('under the sanitizers', () => {
  test('faults at every native entry become errors', async () => {
    // Sixteen entries by four kinds, and the eight that queue a job once more.
    expect(await run(['test/sanitize/faults.mjs'], 120_000)).toMatch(/^96 faults met at 16 entries/);
  }, 130_000);

  test('each kind of call to CUDA and cuDNN fails once', async () => {
    const [, faults, kinds] = /(\d+) faults in (\d+) kinds/.exec(
      await run(['test/sanitize/cuda_faults.mjs'], 280_000),
    )!;
    expect(Number(faults)).toBeGreaterThan(60);
    expect(Number(kinds)).toBeGreaterThan(20);
  }, 300_000);

  test('a GPU is lost in the middle of work', async () => {
    expect(await run(['test/sanitize/cuda_lost.mjs'], 120_000)).toMatch(/lost at \d\d operations/);
  }, 130_000);

  test('training and prediction', async () => {
    expect(await run(['test/sanitize/train.mjs'], 120_000)).toContain('done');
  }, 130_000);

  test('the suites of ops, graphs and golden results', async () => {
    const vitest = 'node_modules/vitest/vitest.mjs';
    const stdout = await run([vitest, 'run', 'test/ops', 'test/graph', 'test/golden.test.ts'], 400_000);
    expect(stdout).toMatch(/Tests\s+\d{4} passed/);
  }, 410_000);
});
