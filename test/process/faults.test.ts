/** Every system call of a save fails once: the run learns of it, goes on, and has a good checkpoint at every time. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { expectNoCrash, runNode } from './run_node.ts';

const place = mkdtempSync(join(tmpdir(), 'senet-faults-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Outcome {
  readonly fault: string;
  readonly epochs: number;
  readonly weights: string;
  readonly errors: readonly string[];
  readonly latest: number;
  readonly damaged: number;
  readonly files: readonly string[];
}

test('saves whose system calls fail one by one', async () => {
  const library = join(place, 'faults.so');
  const source = fileURLToPath(new URL('./system_call_faults.cc', import.meta.url));
  execFileSync('g++', ['-std=c++20', '-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-o', library, source]);
  const runs = join(place, 'runs');
  mkdirSync(runs);
  const result = await runNode('faults.mjs', {
    args: [runs],
    env: { LD_PRELOAD: library },
    timeoutMs: 240_000,
  });
  expectNoCrash(result);
  expect(result.stderr).toBe('');
  const [none, ...outcomes] = result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome);
  expect(none!.files).toEqual(['step-00000006.safetensors', 'step-00000009.safetensors']);

  const struck = new Map<string, number>();
  for (const { fault, epochs, weights, errors, latest, damaged, files } of outcomes) {
    struck.set(fault, (struck.get(fault) ?? 0) + 1);
    // The run ends with the bits of one without faults.
    expect({ epochs, weights }, fault).toEqual({ epochs: 3, weights: none!.weights });
    // Only the save that was struck fails; an interrupted or a short one goes on.
    const kind = fault.split(' ')[1]!;
    const isOvercome = kind === 'EINTR' || kind === 'short';
    expect(errors, fault).toEqual(isOvercome ? [] : [`ERR_SENET_FILE ${kind}`]);
    // Two checkpoints, both whole, and nothing that was begun and not ended.
    expect({ latest, damaged, files: files.length }, fault).toEqual({ latest: 9, damaged: 0, files: 2 });
    expect(files.at(-1), fault).toBe('step-00000009.safetensors');
  }
  // Of two saves: folder and file, its content, both synced and closed; the last one removes a checkpoint.
  expect(Object.fromEntries(struck)).toEqual({
    ...{ 'open EIO': 4, 'open ENOSPC': 4, 'open EINTR': 4 },
    ...{ 'write EIO': 2, 'write ENOSPC': 2, 'write EINTR': 2, 'write short': 2 },
    ...{ 'fsync EIO': 4, 'fsync EINTR': 4, 'close EIO': 4, 'close EINTR': 4 },
    ...{ 'rename EIO': 2, 'rename EINTR': 2, 'unlink EIO': 1, 'unlink EINTR': 1 },
  });
}, 300_000);
