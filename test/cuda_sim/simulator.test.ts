/**
 * The simulated CUDA device: right programs pass on it in every order and build mode, and each wrong one is
 * caught by the mode that is said to catch it.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildOnSim, type SimMode } from '../helpers/cuda_sim.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const source = join(root, 'native/backends/cuda_sim');
const modes: readonly SimMode[] = ['plain', 'asan', 'tsan', 'traffic'];
const programs = new Map<SimMode, string>();
const program = (mode: SimMode): string => programs.get(mode)!;

beforeAll(() => {
  for (const mode of modes) programs.set(mode, buildOnSim(mode, 'simulator_tests'));
}, 600_000);

interface Outcome {
  readonly status: number | string;
  readonly output: string;
}

/** Runs cases in one process; a signal or a sanitizer that ends it is an outcome too. */
async function run(
  mode: SimMode,
  cases: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const options = {
    env: { ...process.env, TSAN_OPTIONS: 'halt_on_error=1', ...env },
    timeout: 60_000,
    maxBuffer: 1 << 26,
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(program(mode), cases, options);
    return { status: 0, output: stdout + stderr };
  } catch (error) {
    const { code, signal, stdout, stderr } = error as {
      code: number | null;
      signal: string | null;
      stdout: string;
      stderr: string;
    };
    return { status: signal ?? code ?? 'unknown', output: stdout + stderr };
  }
}

/** Orders of blocks, threads and streams, and patterns of fresh memory. */
const schedules: readonly Record<string, string>[] = [
  { SENET_SIM_SCHEDULE: 'forward' },
  { SENET_SIM_SCHEDULE: 'reverse', SENET_SIM_FILL: '0x7b' },
  { SENET_SIM_SCHEDULE: 'random', SENET_SIM_SEED: '1' },
  { SENET_SIM_SCHEDULE: 'random', SENET_SIM_SEED: '2', SENET_SIM_FILL: '0x7b' },
  { SENET_SIM_SCHEDULE: 'random', SENET_SIM_SEED: '3' },
];

/** Cases that are right, but for the bytes that only the mode "traffic" counts. */
function rightCases(mode: SimMode): string[] {
  const list = execFileSync(program(mode), ['list'], { encoding: 'utf8' }).trim().split('\n');
  return list.filter(
    (name) => !name.startsWith('broken_') && (mode === 'traffic' || name !== 'traffic_of_kernels'),
  );
}

describe('right programs', () => {
  const runs = modes.flatMap((mode) =>
    schedules
      .slice(0, mode === 'plain' ? 5 : mode === 'traffic' ? 1 : 3)
      .map((env) => ({ mode, env, name: Object.values(env).join(' ') })),
  );
  test.each(runs)('$mode, $name', async ({ mode, env }) => {
    const cases = [...rightCases(mode), 'broken_control'];
    const { status, output } = await run(mode, cases, env);
    expect(output.trim().split('\n')).toEqual(cases.map((name) => `${name}: ok`));
    expect(status).toBe(0);
  });
});

/**
 * What catches a wrong program. A wrong result counts under any schedule, because tests run under several.
 */
const caught: readonly (readonly [string, SimMode, RegExp])[] = [
  ['missing_barrier_read_after_write', 'plain', /wrong result/],
  ['missing_barrier_read_after_write', 'tsan', /data race/],
  ['missing_barrier_write_after_read', 'plain', /wrong result/],
  ['missing_barrier_write_after_read', 'tsan', /data race/],
  ['missing_syncwarp', 'plain', /wrong result/],
  ['missing_syncwarp', 'tsan', /data race/],
  ['shuffle_in_place_of_syncwarp', 'tsan', /data race/],
  ['sum_without_atomic', 'tsan', /data race/],
  ['shuffle_in_half_a_warp', 'plain', /error: .*broken_kernels\.cu:\d+ with mask ffffffff/],
  ['shuffle_at_two_places', 'plain', /error: .*warp divergence.*broken_kernels\.cu:\d+/],
  ['shuffle_reads_outside_of_mask', 'plain', /error: .*lane 8 reads lane 16/],
  ['lane_not_in_its_mask', 'plain', /error: .*lane 16 is not in its own mask/],
  ['mask_names_returned_lanes', 'plain', /error: .*with mask ffffffff for this thread, which has returned/],
  ['barrier_at_two_places', 'plain', /error: .*barrier divergence.*broken_kernels\.cu:\d+/],
  ['deadlock', 'plain', /error: .*deadlock: thread 0 waits at the warp operation .*, thread 1 waits at/],
  ['return_before_barrier', 'plain', /error: .*returned (before|while others wait at) the barrier/],
  ['uninitialised_shared_memory', 'plain', /wrong result/],
  ['shared_array_overrun', 'plain', /error: .*past the end of shared array 'first'/],
  ['shared_array_overrun', 'asan', /AddressSanitizer: use-after-poison|index 64 out of bounds|past the end/],
  ['dynamic_shared_not_asked_for', 'plain', /error: .*the launch asked for none/],
  ['dynamic_shared_overrun', 'plain', /error: .*past the end of shared array 'dynamic shared memory'/],
  ['dynamic_shared_overrun', 'asan', /AddressSanitizer: use-after-poison/],
  ['dynamic_shared_above_limit', 'plain', /error: .*cudaFuncSetAttribute/],
  ['misaligned_vector', 'asan', /runtime error: .*misaligned address/],
  ['misaligned_vector_by_ldg', 'plain', /error: .*broken_kernels\.cu:\d+.*not a multiple of 16/],
  [
    'read_past_the_end',
    'plain',
    /SIGSEGV: kernel broken_kernel, block .*touched the device's memory 0 bytes past/,
  ],
  [
    'write_past_the_end',
    'plain',
    /SIGSEGV: kernel broken_kernel, block .*touched the device's memory 0 bytes past/,
  ],
  ['read_just_past_the_end', 'plain', /wrong result/],
  ['read_just_past_the_end', 'asan', /AddressSanitizer: use-after-poison/],
  ['write_just_past_the_end', 'plain', /error: .*kernel broken_kernel wrote just outside/],
  ['write_just_past_the_end', 'asan', /AddressSanitizer: use-after-poison/],
  ['uninitialised_device_memory', 'plain', /wrong result/],
  ['pointer_off_by_one', 'plain', /SIGSEGV: kernel broken_kernel, block/],
  ['block_too_large', 'plain', /error: .*block \(1025,1,1\)/],
  ['host_pointer_as_argument', 'plain', /error: .*argument 0 is the host address/],
  [
    'host_pointer_in_structure',
    'plain',
    /error: .*argument 0 holds, at byte 0, what looks like the host address/,
  ],
  ['host_reads_device_memory', 'plain', /SIGSEGV: the host touched memory of the device/],
  ['use_after_free', 'plain', /error: .*an address that is not allocated/],
  ['free_twice', 'plain', /error: .*not the start of a live allocation/],
  ['no_wait_before_host_reads', 'plain', /wrong result/],
  ['no_wait_before_host_reads', 'tsan', /data race|wrong result/],
  ['no_wait_between_streams', 'plain', /wrong result/],
  ['no_wait_between_streams', 'tsan', /data race/],
  ['pinned_source_reused_early', 'plain', /wrong result/],
  ['wrong_copy_direction', 'plain', /error: .*kind 2, but the target is on the device/],
  ['copy_larger_than_allocation', 'plain', /error: .*not inside of one live allocation/],
  ['allocation_in_capture', 'plain', /error: .*cudaMalloc while a stream is being captured/],
  ['graph_outlives_memory', 'plain', /error: .*an address that is not allocated/],
];

describe('wrong programs', () => {
  test('the table names each of them', () => {
    const list = execFileSync(program('plain'), ['list'], { encoding: 'utf8' }).trim().split('\n');
    const broken = list.filter((name) => name.startsWith('broken_') && name !== 'broken_control');
    expect(new Set(caught.map(([name]) => `broken_${name}`))).toEqual(new Set(broken));
  });

  test.each(caught)('%s is caught in mode %s', async (name, mode, how) => {
    const outputs: string[] = [];
    for (const env of schedules) {
      const { status, output } = await run(mode, [`broken_${name}`], env);
      // The device's own words about a fault come before the signal.
      outputs.push(status === 'SIGSEGV' ? output.replace('simulated device:', 'SIGSEGV:') : output);
      if (status !== 0 && how.test(outputs.at(-1)!)) return;
    }
    expect.fail(`not caught:\n${outputs.join('\n')}`);
  });
});

describe("NVIDIA's headers", () => {
  const folders = ['/usr/local/cuda/include', ...cudaFolders()];
  const real = folders.find((folder) => existsSync(join(folder, 'cuda_runtime_api.h')));
  const compile = (include: string, file: string): string => {
    const flags = ['-std=c++20', '-fsyntax-only', '-Wall', '-Wextra', '-Werror', '-I', include];
    const args = [...flags, '-I', join(root, 'native'), file];
    return execFileSync('g++', args, { encoding: 'utf8', stdio: 'pipe' });
  };
  const values = join(root, 'test/cuda_sim/real_headers.cc');

  test('the constants have the values listed', () => {
    compile(join(source, 'include'), values);
  });

  // Needs the CUDA toolkit; without it the test shows as skipped.
  test.skipIf(real === undefined)('the constants have the same values there', () => {
    compile(real!, values);
  });

  test.skipIf(real === undefined)('every emulated function has the signature declared there', () => {
    const runtime = join(source, 'runtime');
    const files = readdirSync(runtime).filter((file) =>
      /^(\w+_api|capture|graphs|diagnostics|runtime)\.cc$/.test(file),
    );
    expect(files.length).toBeGreaterThan(7);
    for (const file of files) compile(real!, join(runtime, file));
  });
});

/** Include folders of versioned toolkits, newest name last. */
function cudaFolders(): string[] {
  if (!existsSync('/usr/local')) return [];
  const versions = readdirSync('/usr/local').filter((name) => name.startsWith('cuda-'));
  return versions.map((name) => join('/usr/local', name, 'include'));
}
