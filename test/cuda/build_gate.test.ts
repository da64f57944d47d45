/**
 * The library of the CUDA backend, built by NVIDIA's compiler against the real cuDNN, opens here and finds no GPU. No
 * compiler warns, and of the kernels in it none spills registers, none needs more registers than
 * test/cuda/registers.json says, and all have the accesses of 16 bytes that it says. SENET_UPDATE_REGISTERS=1 writes
 * the table anew. Skipped where the CUDA toolkit or cuDNN is absent.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { root, runScript, STACK_TRACE } from '../scripts/run_script.ts';
import { type Architecture, architectures, type Kernel, readKernels } from './kernel_reports.ts';
import { findCudnn } from './planner/cudnn.ts';

const { findCuda } = (await import(pathToFileURL(join(root, 'scripts/cuda_toolkit.mjs')).href)) as {
  findCuda: () => { toolkit?: object; cudnn?: object };
};

/** What to set for the build: nothing where it finds all there is to find; a sentence when it cannot be built. */
function environment(): Readonly<Record<string, string>> | string {
  const { toolkit, cudnn } = findCuda();
  if (toolkit === undefined) return 'no CUDA toolkit';
  if (cudnn !== undefined) return {};
  const wheels = findCudnn(join(root, 'build'));
  return typeof wheels === 'string' ? wheels : { SENET_CUDNN: wheels.root };
}

const found = environment();
const env = typeof found === 'string' ? {} : found;
const title = `the library and its kernels${typeof found === 'string' ? ` (skipped: ${found})` : ''}`;
// Beside the objects that setup uses too, and out of the way of tests that run without a GPU backend.
const library = join(root, 'build/cuda/senet_cuda.so');

/** A program that asks for a GPU and prints the error. */
const openGpu = `
  import { createModel } from './dist/index.js';
  const model = createModel('resnet14', { input: [8, 8, 3], classes: 2 });
  await model.compile({ device: 'cuda' }).catch(({ code, message }) => console.log(code, message));
  model.dispose();`;

const tablePath = join(root, 'test/cuda/registers.json');
type Entry = Record<Architecture, number> & { loads: number; stores: number };

/** Writes the table: registers on each architecture, and accesses of 16 bytes. */
function writeTable({ sm_80, sm_90 }: ReturnType<typeof readKernels>): void {
  const lines = [...sm_80.keys()].sort().map((name) => {
    const [a, b] = [sm_80.get(name)!, sm_90.get(name)!];
    const entry: Entry = { sm_80: a.registers, sm_90: b.registers, loads: a.loads, stores: a.stores };
    return `${JSON.stringify(name)}: ${JSON.stringify(entry)}`;
  });
  writeFileSync(tablePath, `{\n${lines.join(',\n')}\n}\n`);
}

const build = () => runScript('scripts/build_cuda.mjs', ['--library', library], env);

describe.skipIf(typeof found === 'string')(title, () => {
  beforeAll(async () => {
    const start = performance.now();
    const { code, stdout, stderr } = await build();
    expect(code, stderr).toBe(0);
    const units = stdout.match(/^\[\d+\/\d+\]/gm)?.length ?? 0;
    console.log(`${units} units compiled in ${Math.round((performance.now() - start) / 1000)} s`);
    expect(stderr).not.toContain('warning');
  }, 1_200_000);

  /** Alters what is known of one object. */
  const alter = (fields: object) => {
    const units = join(root, 'build/cuda/units');
    const record = join(units, readdirSync(units).find((name) => name.endsWith('.cc.o.json'))!);
    writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), ...fields }));
  };

  test('is not built again, but for what has changed, and once when two ask for it at once', async () => {
    expect((await build()).stdout).not.toMatch(/^\[/m);
    alter({ began: 0 });
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const compiled = both.flatMap(({ stdout }) => stdout.match(/^\[.*$/gm) ?? []);
    expect(compiled).toEqual([expect.stringMatching(/^\[1\/1\] \w+\.cc\b/)]);
  });

  test('a warning is shown again when its object is not made again', async () => {
    const messages = 'a.cc: warning: written by a test\n';
    alter({ messages });
    const { stdout, stderr } = await build();
    alter({ messages: '' });
    expect(stdout).not.toMatch(/^\[/m);
    expect(stderr).toBe(messages);
  });

  test('shows one function of ours, asks for cuDNN, and brings CUDA’s runtime along', () => {
    const symbols = execFileSync('nm', ['-D', '--defined-only', library], { encoding: 'utf8' });
    // What the C++ library's headers leave in every object is weak.
    expect(symbols.match(/ [A-Z] .*/g)?.filter((line) => !/^ [WVu] /.test(line))).toEqual([
      ' T senet_cuda_plugin',
    ]);
    const needed = execFileSync('readelf', ['-d', library], { encoding: 'utf8' });
    expect(needed).toContain('[libcudnn.so.9]');
    expect(needed).not.toMatch(/libcudart|libcuda\.|RPATH|RUNPATH/);
    expect(needed).toContain('NODELETE');
  });

  test.skipIf(existsSync('/proc/driver/nvidia/version'))(
    'opens, and says that there is no driver (skipped where there is one)',
    async () => {
      const opening = { ...env, SENET_CUDA_LIBRARY: library };
      const message = execFileSync(process.execPath, ['--input-type=module', '-e', openGpu], {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, ...opening },
      });
      expect(message).toMatch(/^ERR_SENET_CUDA_UNAVAILABLE no GPU can be used: no NVIDIA driver/);
      expect(message).toMatch(/Found CUDA runtime 13\.\d+, cuDNN 9\.\d+\.\d+ in/);

      const { stdout } = await runScript('bin/senet.mjs', ['doctor', '--json'], opening);
      const { facts } = JSON.parse(stdout) as { facts: { name: string; state: string; found: string }[] };
      const factOf = (name: string) => facts.find((fact) => fact.name === name);
      expect(factOf('libcudnn.so.9')?.found).toMatch(/^9\.\d+\.\d+, \/.*\/libcudnn\.so\.9/);
      expect(factOf('cuDNN headers')).toMatchObject({ state: 'ok' });
      expect(factOf('NVIDIA driver')).toMatchObject({ state: 'absent' });
    },
  );

  describe.each(architectures)('kernels on %s', (architecture) => {
    let kernels: [string, Kernel][];
    let table: Record<string, Entry>;

    beforeAll(() => {
      const all = readKernels(root);
      if (process.env['SENET_UPDATE_REGISTERS'] !== undefined) writeTable(all);
      kernels = [...all[architecture]];
      table = JSON.parse(readFileSync(tablePath, 'utf8')) as Record<string, Entry>;
    });

    test('the table names those there are', () => {
      expect(kernels.map(([name]) => name).sort()).toEqual(Object.keys(table).sort());
    });

    test('none spills registers', () => {
      const spills = kernels.filter(([, { spilled }]) => spilled > 0);
      expect(spills.map(([name, { spilled }]) => `${name}: ${spilled} bytes`)).toEqual([]);
    });

    test('none needs more registers than the table says', () => {
      const more = kernels.filter(([name, { registers }]) => registers > (table[name]?.[architecture] ?? 0));
      expect(more.map(([name, { registers }]) => `${name}: ${registers}`)).toEqual([]);
    });

    test('memory is accessed by 16 bytes where the table says so', () => {
      const fewer = kernels.filter(
        ([name, { loads, stores }]) =>
          loads < (table[name]?.loads ?? 0) || stores < (table[name]?.stores ?? 0),
      );
      const lines = fewer.map(([name, { loads, stores }]) => `${name}: ${loads} loads, ${stores} stores`);
      expect(lines).toEqual([]);
    });
  });
});

test('is a command of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['build:cuda']).toBe('node scripts/build_cuda.mjs');
});

test('without compilers and libraries it says what is missing', async () => {
  const nowhere = join(root, 'build/nowhere');
  const bare = { PATH: '', HOME: nowhere, VIRTUAL_ENV: '', CONDA_PREFIX: '', SENET_CUDNN: nowhere };
  const { code, stderr } = await runScript('scripts/build_cuda.mjs', [], bare);
  expect(code).toBe(1);
  // Where both libraries are installed for all, it is the compiler that is missing.
  expect(stderr).toMatch(/^CUDA backend: (no .*: looked in .*; install|g\+\+ is needed)/);
  expect(stderr).not.toMatch(STACK_TRACE);
});
