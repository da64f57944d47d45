/**
 * The addon as part of a process: worker threads, every way to end, and memory over many models; on the CPU, and with
 * less of each on the simulated GPU, which is slow.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { readFile } from '../io/read_bytes.ts';
import { expectNoCrash, type RunOptions, runNode } from './run_node.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-process-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runOn = (device: string, name: string, options: RunOptions) =>
  runNode(name, {
    ...options,
    env: { ...options.env, SENET_TEST_DEVICE: device, SENET_CUDA_LIBRARY: cudaSimLibrary },
  });

describe.each([
  ['cpu', 10, 8, 30],
  ['cuda', 1, 3, 15],
])('worker threads on %s', (device, rounds, workers, terminations) => {
  test(`${workers} at once, ${rounds} rounds, give the main thread’s bits`, async () => {
    const args = [String(rounds), String(workers)];
    const result = await runOn(device, 'workers.mjs', { args, timeoutMs: 150_000 });
    expectNoCrash(result);
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(result.stdout).toContain(`same bits in ${rounds} rounds`);
  }, 160_000);

  test(`terminated in the middle of work, ${terminations} times, leave nothing behind`, async () => {
    const args = [String(terminations)];
    const result = await runOn(device, 'terminate.mjs', { args, timeoutMs: 120_000 });
    expectNoCrash(result);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toContain('live 0');
  }, 130_000);
});

describe.each([
  ['cpu', ['idle', 'training', 'inferring', 'saving'], 20],
  ['cuda', ['training'], 4],
])('ways to end on %s', (device, activities, epochs) => {
  const endings = {
    end: { code: 0 },
    exit: { code: 7 },
    throw: { code: 1 },
    reject: { code: 1 },
    SIGINT: { signal: 'SIGINT' },
    SIGTERM: { signal: 'SIGTERM' },
  } as const;
  const cases = Object.keys(endings).flatMap((ending) =>
    activities.flatMap((activity) =>
      ['disposed', 'kept'].map((disposed) => [ending, activity, disposed] as const),
    ),
  );

  test.each(cases)('%s while %s, %s', async (ending, activity, disposed) => {
    const place = mkdtempSync(join(folder, 'case-'));
    const expected = endings[ending as keyof typeof endings];
    const bySignal = 'signal' in expected;
    const result = await runOn(device, 'exit.mjs', {
      args: [bySignal ? 'signal' : ending, activity, disposed, place, String(epochs)],
      timeoutMs: 30_000,
      ...(bySignal && { killWhenReady: expected.signal }),
    });
    if (bySignal) {
      expect(result.signal).toBe(expected.signal);
      expect(result.stderr).not.toMatch(/FATAL|terminate called/);
    } else {
      expectNoCrash(result);
      expect(result.code, result.stderr).toBe(expected.code);
    }
    expect(result.ms).toBeLessThan(15_000);
    // Whatever is visible under the final name is whole: a save is a rename.
    const visible = readdirSync(place).filter((name) => name === 'model.safetensors');
    for (const name of visible) {
      await readFile(join(place, name));
    }
  });
});

describe('memory', () => {
  const MB = 1 << 20;
  const cycles = async (mode: string, count: number, device = 'cpu') => {
    const options = {
      args: [String(count), mode],
      nodeArgs: ['--expose-gc', '--max-semi-space-size=1'],
      // Heaps that grow at some time by chance, V8’s of young objects and the C library’s of each thread, hide what grows.
      env: { MALLOC_ARENA_MAX: '1' },
      timeoutMs: 200_000,
    };
    const result = await runOn(device, 'cycles.mjs', options);
    expectNoCrash(result);
    expect(result.code, result.stderr).toBe(0);
    return JSON.parse(result.stdout) as { growth: number; live: number; peak: number };
  };

  test('1,000 models made, trained and disposed', async () => {
    const { growth, live } = await cycles('dispose', 1000);
    console.log(`resident memory grew by ${(growth / MB).toFixed(2)} MB over 1,000 cycles`);
    expect(live).toBe(0);
    expect(growth).toBeLessThan(MB);
  }, 210_000);

  test('1,000 models made, trained and forgotten', async () => {
    const { live, peak } = await cycles('forget', 1000);
    expect(live).toBe(0);
    expect(peak).toBeLessThan(1500 * MB);
  }, 210_000);

  test.each(['dispose', 'forget'])(
    '20 models on the simulated GPU: %s',
    async (mode) => {
      expect((await cycles(mode, 10, 'cuda')).live).toBe(0);
    },
    210_000,
  );
});
