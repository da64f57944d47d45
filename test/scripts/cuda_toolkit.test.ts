/** What the CUDA backend is built with is found in all the usual places; these are made up here. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cudnnCandidates } from '../../lib/cuda.ts';
import { root } from './run_script.ts';

interface Found {
  toolkit?: { root: string; version: string; nvcc: string; lib: string };
  cudnn?: { include: string; library: string; version: string };
  missing: { what: string; looked: string; advice: string }[];
}

const { findCuda } = (await import(pathToFileURL(join(root, 'scripts/cuda_toolkit.mjs')).href)) as {
  findCuda: (system: string) => Found;
};

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'senet-toolkit-')));
afterAll(() => rmSync(folder, { recursive: true }));

/** The root of a system of its own for each test. */
let system = '';
beforeEach(() => {
  system = mkdtempSync(join(folder, 'system-'));
  for (const name of ['CUDA_HOME', 'CUDA_PATH', 'SENET_CUDNN', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'PATH']) {
    vi.stubEnv(name, '');
  }
  vi.stubEnv('HOME', join(system, 'home'));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function write(text: string, ...parts: string[]): string {
  const file = join(system, ...parts);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function makeToolkit(place: string, version = 13000): string {
  write(`#define CUDART_VERSION  ${version}\n`, place, 'include/cuda_runtime_api.h');
  write('', place, 'bin/nvcc');
  write('', place, 'lib64/libcudart_static.a');
  return join(system, place);
}

function makeCudnn(place: string, options: { major?: number; include?: string; lib?: string } = {}): string {
  const { major = 9, include = 'include', lib = 'lib' } = options;
  write('', place, include, 'cudnn.h');
  write(
    `#define CUDNN_MAJOR ${major}\n#define CUDNN_MINOR 24\n#define CUDNN_PATCHLEVEL 1\n`,
    place,
    include,
    'cudnn_version.h',
  );
  write('', place, lib, 'libcudnn.so.9');
  return join(system, place);
}

test('without anything it names both, where it looked and what to do', () => {
  const { toolkit, cudnn, missing } = findCuda(system);
  expect([toolkit, cudnn]).toEqual([undefined, undefined]);
  expect(missing.map(({ what }) => what)).toEqual(['CUDA toolkit 13', 'headers of cuDNN 9']);
  expect(missing[0]!.looked).toContain(join(system, 'usr/local/cuda'));
  expect(missing[1]!.looked).toContain(join(system, 'usr'));
  expect(missing.map(({ advice }) => advice).join()).toMatch(/CUDA_HOME.*SENET_CUDNN/);
});

describe('the toolkit', () => {
  test.each(['CUDA_HOME', 'CUDA_PATH'])('of %s comes first', (name) => {
    makeToolkit('usr/local/cuda');
    vi.stubEnv(name, makeToolkit('mine', 13010));
    expect(findCuda(system).toolkit).toMatchObject({ root: join(system, 'mine'), version: '13.1' });
  });

  test('is that of the nvcc on the path', () => {
    vi.stubEnv('PATH', `/nowhere:${join(makeToolkit('opt/toolkit'), 'bin')}`);
    expect(findCuda(system).toolkit?.nvcc).toBe(join(system, 'opt/toolkit/bin/nvcc'));
  });

  test('is the newest of /usr/local', () => {
    makeToolkit('usr/local/cuda-13.2', 13020);
    makeToolkit('usr/local/cuda-13.10', 13100);
    expect(findCuda(system).toolkit?.version).toBe('13.10');
  });

  test('is none that is too old or incomplete, and that is said', () => {
    vi.stubEnv('CUDA_HOME', makeToolkit('usr/local/cuda-12.9', 12090));
    const other = makeToolkit('usr/local/cuda');
    rmSync(join(other, 'lib64'), { recursive: true });
    const { toolkit, missing } = findCuda(system);
    expect(toolkit).toBeUndefined();
    expect(missing[0]!.looked).toContain('cuda-12.9 has CUDA 12.9, 13.0 or newer is needed');
    expect(missing[0]!.looked).toContain(`${other} has no libcudart_static.a`);
  });
});

describe('cuDNN', () => {
  test.each<[string, { include?: string; lib?: string }]>([
    ['usr', { lib: 'lib/x86_64-linux-gnu' }],
    ['usr', { include: 'include/x86_64-linux-gnu', lib: 'lib/x86_64-linux-gnu' }],
    ['usr/local', {}],
    ['home/.local/lib/python3.12/site-packages/nvidia/cudnn', {}],
    ['usr/local/lib/python3/dist-packages/nvidia/cudnn', {}],
  ])('in %s, %j', (place, parts) => {
    const { include = 'include', lib = 'lib' } = parts;
    const folderOf = makeCudnn(place, parts);
    expect(findCuda(system).cudnn).toEqual({
      include: join(folderOf, include),
      library: join(folderOf, lib, 'libcudnn.so.9'),
      version: '9.24.1',
    });
  });

  test('of the toolkit', () => {
    makeToolkit('usr/local/cuda');
    makeCudnn('usr/local/cuda', { lib: 'lib64' });
    expect(findCuda(system).cudnn?.include).toBe(join(system, 'usr/local/cuda/include'));
  });

  test.each(['', 'cudnn', 'cudnn/lib', 'cudnn/lib/libcudnn.so.9'])(
    'where SENET_CUDNN names %j of the wheels’ folder, to build and to run',
    (part) => {
      makeCudnn('usr/local');
      const wheel = makeCudnn('wheels/nvidia/cudnn');
      vi.stubEnv('SENET_CUDNN', join(system, 'wheels/nvidia', part));
      const library = join(wheel, 'lib/libcudnn.so.9');
      expect(findCuda(system).cudnn?.library).toBe(library);
      expect(cudnnCandidates()).toContain(library);
    },
  );

  test('in a virtual environment, to build and to run', () => {
    vi.stubEnv('VIRTUAL_ENV', join(system, 'venv'));
    const wheel = makeCudnn('venv/lib/python3.11/site-packages/nvidia/cudnn');
    const library = join(wheel, 'lib/libcudnn.so.9');
    expect(findCuda(system).cudnn?.library).toBe(library);
    expect(cudnnCandidates()).toContain(library);
  });

  test('of another version or without its library is refused, and that is said', () => {
    makeCudnn('usr', { major: 8 });
    rmSync(join(makeCudnn('usr/local'), 'lib'), { recursive: true });
    const { cudnn, missing } = findCuda(system);
    expect(cudnn).toBeUndefined();
    expect(missing[1]!.looked).toContain('has version 8, 9 is needed');
    expect(missing[1]!.looked).toMatch(/usr\/local\/include has headers, but there is no libcudnn\.so\.9/);
  });
});
