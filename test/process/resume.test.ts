/** Runs that are killed, told to end or run out of disk: what they saved is whole, and they go on bit for bit. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { philox4x32 } from '../../lib/data/random.ts';

const place = mkdtempSync(join(tmpdir(), 'senet-resume-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const newFolder = (): string => join(mkdtempSync(join(place, 'run-')), 'checkpoints');

interface Ending {
  readonly lines: readonly string[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs scripts/<name>; `onLine` may kill it. */
function runScript(
  name: string,
  args: readonly string[],
  onLine: (line: string, kill: (signal: NodeJS.Signals) => void, lines: number) => void = () => undefined,
  command: readonly string[] = [],
): Promise<Ending> {
  const script = fileURLToPath(new URL(`./scripts/${name}`, import.meta.url));
  const [program, ...rest] = [...command, process.execPath, script, ...args] as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    onLine(line, (signal) => child.kill(signal), lines.length);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ lines, code, signal, stderr }));
  });
}

/** Losses by place, and the hash of the weights; a step that was done again has the same loss. */
function read(endings: readonly Ending[]) {
  const losses = new Map<string, string>();
  let weights = '';
  for (const line of endings.flatMap(({ lines }) => lines)) {
    const [kind, at, loss] = line.split(' ') as [string, string, string];
    if (kind === 'weights') weights = at;
    if (kind !== 'step') continue;
    expect(losses.get(at) ?? loss, at).toBe(loss);
    losses.set(at, loss);
  }
  return { losses, weights };
}

describe.each([1, 2])('a training of 204 steps on %i thread(s)', (threads) => {
  test('that is killed 10 times ends with the bits of one that was not', async () => {
    // An epoch has 12 steps.
    const args = (folder: string) => [folder, '17', String(threads)];
    const whole = await runScript('resume.mjs', args(newFolder()));
    expect(whole.code, whole.stderr).toBe(0);
    expect(read([whole]).losses.size).toBe(204);

    const folder = newFolder();
    const endings: Ending[] = [];
    for (let kill = 0; kill < 10; kill += 1) {
      const after = 5 + (philox4x32([kill, threads, 0, 0], [1, 2])[0] % 16);
      const stopAt = (line: string, end: (signal: NodeJS.Signals) => void, count: number) => {
        if (line.startsWith('step') && count > after) end('SIGKILL');
      };
      endings.push(await runScript('resume.mjs', args(folder), stopAt));
      expect(endings.at(-1)!.signal).toBe('SIGKILL');
    }
    endings.push(await runScript('resume.mjs', args(folder)));
    expect(endings.at(-1)!.code, endings.at(-1)!.stderr).toBe(0);
    expect(read(endings)).toEqual(read([whole]));
    expect(readdirSync(folder).sort()).toEqual(
      [198, 201, 204].map((step) => `step-00000${step}.safetensors`),
    );
  }, 120_000);
});

describe('a run that handles signals', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends its step on %s, saves and exits with %i', async (signal, code) => {
    const folder = newFolder();
    const ending = await runScript('resume.mjs', [folder, '1000', '1'], (line, kill) => {
      if (line.startsWith('step 1:4 ')) kill(signal);
    });
    expect(ending.code, ending.stderr).toBe(code);
    const steps = ending.lines.filter((line) => line.startsWith('step')).length;
    expect(readdirSync(folder).at(-1)).toBe(`step-${String(steps).padStart(8, '0')}.safetensors`);
  });

  test('listens no longer when it is done', async () => {
    const { lines } = await runScript('resume.mjs', [newFolder(), '1', '1']);
    expect(lines.filter((line) => line.startsWith('listeners'))).toEqual(['listeners 1', 'listeners 0']);
  });
});

/** More by SENET_KILLS. */
const kills = Number(process.env['SENET_KILLS'] ?? 25);

test(`a writer that is killed ${kills} times always leaves its last checkpoint, or the one it was writing`, async () => {
  const folder = newFolder();
  let saved = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const [random] = philox4x32([kill, 0, 0, 0], [3, 4]);
    let seen = saved;
    const ending = await runScript('save.mjs', [folder], (line, end) => {
      const [kind, step] = line.split(' ') as [string, string];
      // Everything that was said to be saved is there, and at most one more.
      if (kind === 'ready') {
        expect([seen, seen + 1]).toContain(Number(step));
        setTimeout(() => end('SIGKILL'), (random % 400) / 10);
      }
      seen = Number(step);
    });
    expect(ending.signal, ending.stderr).toBe('SIGKILL');
    saved = seen;
  }
  expect(saved).toBeGreaterThan(kills);
  const last = await runScript('save.mjs', [folder], (line, end) => {
    if (line.startsWith('ready')) end('SIGKILL');
  });
  expect(last.stderr).toBe('');
  // What dead writers left is cleared away; the last one may have just begun.
  expect(readdirSync(folder).filter((name) => name.includes('.tmp-')).length).toBeLessThanOrEqual(1);
}, 120_000);

/** A file system of 8 MB in a name space of its own; not every machine lets users make one. */
const mayMount = (() => {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.runIf(mayMount)(
  'a disk that is full ends the run with the error, and leaves what was saved',
  async () => {
    const folder = mkdtempSync(join(place, 'small-'));
    const inSmall = [
      ...['unshare', '-rm', 'sh', '-c', `mount -t tmpfs -o size=8m tmpfs '${folder}' && exec "$@"`],
      'sh',
    ];
    const ending = await runScript('full_disk.mjs', [folder], undefined, inSmall);
    expect(ending.stderr).toBe('');
    expect(ending.lines).toEqual([
      'ERR_SENET_FILE ENOSPC',
      'old checkpoints still read: true',
      'files left: old-*, step-*',
      'the same model goes on: true',
    ]);
  },
);

test.skipIf(mayMount)(
  'a disk that is full: NOT TESTED, this machine lets users mount nothing',
  () => undefined,
);
