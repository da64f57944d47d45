/** `senet doctor`, as a user runs it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { root, runScript, type ScriptResult, STACK_TRACE } from './run_script.ts';

interface Report {
  cpu: boolean;
  gpu: boolean;
  facts: { name: string; state: 'ok' | 'failed' | 'absent'; found: string; advice?: string }[];
}

const folder = mkdtempSync(join(tmpdir(), 'senet-doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const doctor = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ScriptResult> =>
  runScript('bin/senet.mjs', ['doctor', ...args], env);

async function report(env: Readonly<Record<string, string>>): Promise<{ code: number; report: Report }> {
  const { code, stdout, stderr } = await doctor(['--json'], env);
  expect(stdout + stderr).not.toMatch(STACK_TRACE);
  return { code, report: JSON.parse(stdout) as Report };
}

const factOf = ({ facts }: Report, name: string) => facts.find((fact) => fact.name === name);

const missing = join(folder, 'missing.so');

describe('without a GPU', () => {
  test('the CPU works, and each missing thing has its advice', async () => {
    const found = await report({ SENET_CUDA_LIBRARY: missing });
    expect(found.code).toBe(0);
    expect(found.report).toMatchObject({ cpu: true, gpu: false });
    expect(factOf(found.report, 'Node')).toMatchObject({ state: 'ok', found: process.version });
    expect(factOf(found.report, 'addon')?.found).toMatch(/senet\.node, built \d{4}-\d\d-\d\d/);
    expect(factOf(found.report, 'CPU')?.found).toMatch(/^oneDNN \d+\.\d+.*, \d+ threads$/);
    expect(factOf(found.report, 'CUDA backend')).toMatchObject({
      state: 'absent',
      found: `not built: looked for ${missing}`,
      advice: 'run: npm run setup',
    });
    expect(factOf(found.report, 'GPU')?.found).toBe('the CUDA backend is not built');
    const helpless = found.report.facts.filter((fact) => fact.state !== 'ok' && fact.name !== 'GPU');
    expect(helpless.every(({ advice }) => advice !== undefined)).toBe(true);
  });

  test('as text: a line for each fact, and the verdict', async () => {
    const { code, stdout } = await doctor([], { SENET_CUDA_LIBRARY: missing });
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines.every((line) => /^(✓|✗|–| {4,}→) /.test(line) || line === lines.at(-1))).toBe(true);
    expect(lines.at(-1)).toBe('The CPU can be used. A GPU cannot be used.');
  });

  test('a library that is none is named', async () => {
    const garbage = join(folder, 'garbage.so');
    writeFileSync(garbage, 'no library');
    const found = await report({ SENET_CUDA_LIBRARY: garbage });
    expect(factOf(found.report, 'GPU')?.found).toContain(garbage);
    expect(found.code).toBe(0);
  });
});

test('with the simulated GPU it tries a network there', async () => {
  const found = await report({ SENET_CUDA_LIBRARY: cudaSimLibrary });
  expect(found.report).toMatchObject({ cpu: true, gpu: true });
  expect(factOf(found.report, 'GPU cuda:0')?.found).toContain('compute capability');
  expect(factOf(found.report, 'GPU test')).toMatchObject({ state: 'ok' });
  expect(factOf(found.report, 'libcudnn.so.9')?.found).toMatch(/cuDNN 9|9\.\d+/);
});

describe('without a working addon the exit code is 1', () => {
  test('when it is not built', async () => {
    const found = await report({ SENET_ADDON: missing });
    expect(found.code).toBe(1);
    expect(found.report).toMatchObject({ cpu: false, gpu: false });
    expect(factOf(found.report, 'addon')).toMatchObject({ state: 'failed', advice: 'run: npm run setup' });
  });

  test('when loading it ends the process', async () => {
    // A library whose constructor raises the signal that a foreign instruction raises.
    const source = join(folder, 'ill.c');
    const library = join(folder, 'ill.node');
    writeFileSync(source, '__attribute__((constructor)) static void start(void) { __builtin_trap(); }\n');
    execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', library, source]);
    const found = await report({ SENET_ADDON: library });
    expect(found.code).toBe(1);
    expect(factOf(found.report, 'CPU')?.found).toBe('ended by SIGILL');
    expect(factOf(found.report, 'CPU')?.advice).toMatch(/built for another processor/);
  });
});

describe('the command line', () => {
  test.each(['now', '--loud'])('refuses %s', async (argument) => {
    const { code, stderr } = await doctor([argument]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^senet doctor: .*\n$/);
    expect(stderr).not.toMatch(STACK_TRACE);
  });

  test('explains itself', async () => {
    const { code, stdout } = await doctor(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('senet doctor --json');
  });

  test('is there for npx', () => {
    const output = execFileSync('npx', ['--no-install', 'senet', 'doctor'], { cwd: root, encoding: 'utf8' });
    expect(output).toContain('The CPU can be used.');
  });
});
