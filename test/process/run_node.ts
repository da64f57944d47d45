/** Runs a script in a Node of its own, where a crash fails one test and not the run. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export interface NodeResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Sends this signal as soon as the script prints `ready`. */
  readonly killWhenReady?: NodeJS.Signals;
  readonly timeoutMs?: number;
}

/** Runs scripts/<name>; these use the built package in dist. */
export function runNode(name: string, options: RunOptions = {}): Promise<NodeResult> {
  const script = fileURLToPath(new URL(`./scripts/${name}`, import.meta.url));
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...(options.nodeArgs ?? []), script, ...(options.args ?? [])], {
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (options.killWhenReady !== undefined && stdout.includes('ready')) child.kill(options.killWhenReady);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr, ms: performance.now() - started });
    });
  });
}

/** What a process prints when native code has gone wrong. */
const CRASH =
  /FATAL ERROR|terminate called|mutex lock failed|AddressSanitizer|LeakSanitizer|runtime error:|Segmentation fault/;

/** Fails when the process was ended by a signal or native code complained. */
export function expectNoCrash(result: NodeResult): void {
  expect(result.stderr, 'stderr').not.toMatch(CRASH);
  expect(result.signal, `ended by a signal; stderr: ${result.stderr}`).toBeNull();
}
