/**
 * Compiles every kernel with NVIDIA's compiler for the GPUs we name and checks what comes out: no warning, no spilled
 * register, no more registers than test/cuda/registers.json says, and the accesses of 16 bytes that it says. Needs no
 * GPU. SENET_UPDATE_REGISTERS=1 writes the table anew.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const kernels = join(root, 'native/backends/cuda/kernels');
const tablePath = join(root, 'test/cuda/registers.json');
const architectures = ['sm_80', 'sm_90'] as const;
type Architecture = (typeof architectures)[number];

/** What is known of a kernel: registers of a thread, and the instructions that load or store 16 bytes of global memory. */
type Entry = Record<Architecture, number> & { loads: number; stores: number };

const nvcc = ['nvcc', '/usr/local/cuda/bin/nvcc'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);
const run = promisify(execFile);

/** The compiler's output; throws with it if it fails. */
async function compile(args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(nvcc!, [...args], { maxBuffer: 1 << 26 });
    return stdout + stderr;
  } catch (error) {
    throw new Error(`nvcc ${args.join(' ')}\n${(error as { stderr?: string }).stderr ?? error}`);
  }
}

/** Readable names for mangled ones: without result, namespaces and arguments. */
function demangle(names: readonly string[]): Map<string, string> {
  const { stdout } = spawnSync('c++filt', { input: names.join('\n'), encoding: 'utf8' });
  const short = stdout.split('\n').map((line) => {
    const name = line
      .replace(/\(anonymous namespace\)::|senet::cuda::|^void /g, '')
      .replace(/\((\w+)\)(-?\d)/g, '$2');
    return name.replace(/\(.*$/, '');
  });
  return new Map(names.map((name, i) => [name, short[i]!]));
}

/** Accesses of 16 bytes in each kernel of a PTX text. */
function wideAccesses(ptx: string): Map<string, { loads: number; stores: number }> {
  const parts = ptx.split(/^.*\.entry /m).slice(1);
  return new Map(
    parts.map((part) => {
      const count = (kind: string) =>
        part.match(new RegExp(`\\b${kind}\\.global(\\.\\w+)*\\.(v4\\.[fubs]32|v2\\.[fubs]64)`, 'g'))
          ?.length ?? 0;
      return [/^\w+/.exec(part)![0], { loads: count('ld'), stores: count('st') }];
    }),
  );
}

/** Registers and spilled bytes of each kernel, from the assembler's report. */
function usage(report: string): Map<string, { registers: number; spilled: number }> {
  const found = report.matchAll(
    /Compiling entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores, (\d+) bytes spill loads[\s\S]*?Used (\d+) registers/g,
  );
  return new Map(
    [...found].map(([, name, stores, loads, registers]) => [
      name!,
      { registers: Number(registers), spilled: Number(stores) + Number(loads) },
    ]),
  );
}

const entries = new Map<string, Entry>();
const spills: string[] = [];

async function examine(file: string, folder: string): Promise<void> {
  const ptx = join(folder, `${basename(file, '.cu')}.ptx`);
  const options = ['-std=c++20', '-O3', '-Werror', 'all-warnings', `-I${join(root, 'native')}`];
  // One run of the slow front end serves all architectures.
  await compile([...options, '-ptx', '-arch=compute_80', join(kernels, file), '-o', ptx]);
  const accesses = wideAccesses(readFileSync(ptx, 'utf8'));
  const names = demangle([...accesses.keys()]);
  for (const architecture of architectures) {
    const report = await compile([
      '-cubin',
      `-arch=${architecture}`,
      '-Xptxas',
      '-v,-O3',
      ptx,
      '-o',
      `${ptx}.cubin`,
    ]);
    for (const [mangled, { registers, spilled }] of usage(report)) {
      const name = names.get(mangled)!;
      const entry = entries.get(name) ?? { sm_80: 0, sm_90: 0, ...accesses.get(mangled)! };
      entries.set(name, { ...entry, [architecture]: registers });
      if (spilled > 0) spills.push(`${name} on ${architecture}: ${spilled} bytes`);
    }
  }
}

describe.skipIf(nvcc === undefined)('kernels, compiled by nvcc (skipped where there is none)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'senet-kernels-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  beforeAll(async () => {
    const files = readdirSync(kernels).filter((name) => name.endsWith('.cu'));
    const work = async () => {
      for (let file = files.pop(); file !== undefined; file = files.pop()) await examine(file, folder);
    };
    await Promise.all([work(), work()]);
    if (process.env['SENET_UPDATE_REGISTERS'] === undefined) return;
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = sorted.map(([name, { sm_80, sm_90, loads, stores }]) => {
      const fields = `"sm_80": ${sm_80}, "sm_90": ${sm_90}, "loads": ${loads}, "stores": ${stores}`;
      return `  ${JSON.stringify(name)}: { ${fields} }`;
    });
    writeFileSync(tablePath, `{\n${lines.join(',\n')}\n}\n`);
  }, 600_000);

  const table = (): Record<string, Entry> =>
    existsSync(tablePath) ? (JSON.parse(readFileSync(tablePath, 'utf8')) as Record<string, Entry>) : {};

  test('none spills registers', () => {
    expect(spills).toEqual([]);
  });

  test('the table names the kernels there are', () => {
    expect([...entries.keys()].sort()).toEqual(Object.keys(table()).sort());
  });

  test.each(architectures)('none needs more registers than the table says on %s', (architecture) => {
    const more = [...entries]
      .filter(([name, entry]) => entry[architecture] > (table()[name]?.[architecture] ?? 0))
      .map(([name, entry]) => `${name}: ${entry[architecture]}`);
    expect(more).toEqual([]);
  });

  test('memory is accessed by 16 bytes where the table says so', () => {
    const fewer = [...entries]
      .filter(
        ([name, { loads, stores }]) =>
          loads < (table()[name]?.loads ?? 0) || stores < (table()[name]?.stores ?? 0),
      )
      .map(([name, { loads, stores }]) => `${name}: ${loads} loads, ${stores} stores`);
    expect(fewer).toEqual([]);
  });
});
