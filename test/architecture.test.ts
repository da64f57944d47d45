/** Who may call whom: the rules that a search of the sources can check. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Files below a folder, as paths from the root with forward slashes. */
function filesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name))
    .filter((name) => pattern.test(name))
    .sort();
}

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Files of lib that a file imports. */
function importsOf(file: string): string[] {
  const found = textOf(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g);
  return [...found].map((match) => relative(root, join(root, dirname(file), match[1]!)));
}

const lib = filesIn('lib', /\.ts$/);
const native = filesIn('native', /\.(cc|h|cu|cuh)$/);
/** What is shipped; the simulated device is for tests. */
const shipped = native.filter((file) => !file.startsWith('native/backends/cuda_sim/'));

/** Includes of a native file, without brackets or quotes. */
const includesOf = (file: string): string[] =>
  [...textOf(file).matchAll(/^#include [<"]([^>"]+)[>"]/gm)].map((match) => match[1]!);

describe('lib', () => {
  // A folder may import from itself, from those and the files it names, and from errors.ts.
  const allowed: Record<string, readonly string[]> = {
    'lib/ir': [],
    'lib/ops': ['lib/ir'],
    'lib/graph': ['lib/ops', 'lib/ir'],
    'lib/layers': ['lib/graph', 'lib/ops', 'lib/ir'],
    'lib/models': ['lib/figures', 'lib/layers', 'lib/graph', 'lib/ops', 'lib/ir'],
    'lib/io': [],
    'lib/weight_files': ['lib/io', 'lib/layers', 'lib/ir'],
    'lib/onnx': ['lib/layers', 'lib/graph', 'lib/ops', 'lib/ir', 'lib/io'],
    'lib/data': ['lib/io'],
    'lib/images': ['lib/data', 'lib/io', 'lib/native.ts'],
    'lib/train': ['lib/data', 'lib/layers', 'lib/ir', 'lib/io'],
  };
  test.each(Object.entries(allowed))('%s imports nothing from above', (folder, below) => {
    const wrong = lib
      .filter((file) => file.startsWith(`${folder}/`))
      .flatMap((file) => importsOf(file).map((target) => `${file} -> ${target}`))
      .filter((edge) => {
        const target = edge.split(' -> ')[1]!;
        const inside = [folder, ...below].some((f) => target === f || target.startsWith(`${f}/`));
        return !inside && target !== 'lib/errors.ts';
      });
    expect(wrong).toEqual([]);
  });

  test('the command line uses what everybody can use, and nobody uses it', () => {
    const inside = (file: string) => file.startsWith('lib/cli/');
    const edges = lib.flatMap((file) => importsOf(file).map((target) => [file, target] as const));
    const out = edges.filter(([file, target]) => inside(file) && !inside(target)).map(([, target]) => target);
    expect([...new Set(out)].sort()).toEqual(['lib/index.ts']);
    expect(edges.filter(([file, target]) => !inside(file) && inside(target))).toEqual([]);
  });

  test('internals.ts is for others', () => {
    expect(lib.filter((file) => importsOf(file).includes('lib/internals.ts'))).toEqual([]);
  });

  test('only native.ts loads the addon', () => {
    const loaders = lib.filter((file) => /createRequire|\.node\b'/.test(textOf(file)));
    expect(loaders).toEqual(['lib/native.ts']);
  });

  test('only sharp.ts knows sharp, and loads it when it is needed', () => {
    const users = lib.filter((file) => /'sharp'/.test(textOf(file)));
    expect(users).toEqual(['lib/images/sharp.ts']);
    expect(textOf('lib/images/sharp.ts')).not.toMatch(/^(import|export) (?!type).*'sharp'/m);
  });

  test('no any, no casts through unknown', () => {
    const casts = lib.filter((file) => /\bas any\b|: any\b|<any>|as unknown as/.test(textOf(file)));
    expect(casts).toEqual([]);
  });

  test('native code prints and exits nowhere', () => {
    const loud = shipped.filter((file) =>
      /\b(printf|std::cout|std::cerr|abort|exit)\s*[(<]/.test(textOf(file)),
    );
    expect(loud).toEqual([]);
  });
});

describe('native', () => {
  test('Node headers only in addon', () => {
    const users = native.filter((file) => includesOf(file).some((name) => /^(napi|node)/.test(name)));
    expect(users.filter((file) => !file.startsWith('native/addon/'))).toEqual([]);
  });

  test('oneDNN headers only in the CPU backend', () => {
    const users = native.filter((file) => includesOf(file).some((name) => /dnnl/.test(name)));
    expect(users.filter((file) => !file.startsWith('native/backends/cpu/'))).toEqual([]);
  });

  test('core reaches a backend through backend.h alone', () => {
    const edges = native
      .filter((file) => file.startsWith('native/core/'))
      .flatMap((file) => includesOf(file))
      .filter((name) => name.startsWith('backends/'));
    expect(new Set(edges)).toEqual(new Set(['backends/backend.h']));
  });

  test.each(['cpu', 'cuda'])('every op of the table of %s has its function in a file of ops', (backend) => {
    const folder = `native/backends/${backend}/ops`;
    const names = [...textOf(`${folder}/table.cc`).matchAll(/\{"(\w+)",\s*prepare_/g)].map(
      ([, name]) => name!,
    );
    expect(names.length).toBeGreaterThan(30);
    const all = native
      .filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.cc'))
      .map(textOf)
      .join('\n');
    expect(names.filter((name) => !all.includes(`prepare_${name.replace('_fused', '')}(`))).toEqual([]);
  });
});

describe('the CUDA backend', () => {
  const cuda = native.filter((file) => file.startsWith('native/backends/cuda/'));
  const usersOf = (files: readonly string[], header: RegExp) =>
    files.filter((file) => includesOf(file).some((name) => header.test(name)));

  test('CUDA headers only there', () => {
    const users = usersOf(shipped, /^(cuda|cudnn|vector_types|driver_types)/);
    expect(users.filter((file) => !file.startsWith('native/backends/cuda/'))).toEqual([]);
  });

  test('cuDNN only behind dnn.h', () => {
    const users = usersOf(shipped, /^cudnn/);
    expect(users.filter((file) => !file.startsWith('native/backends/cuda/dnn_cudnn'))).toEqual([]);
    const internals = usersOf(shipped, /dnn_cudnn|dnn_plan_file/);
    expect(internals.filter((file) => !file.startsWith('native/backends/cuda/dnn_'))).toEqual([]);
  });

  test('nothing shipped knows the simulated device', () => {
    expect(usersOf(shipped, /cuda_sim/)).toEqual([]);
    expect(textOf('package.json')).toContain('"!native/backends/cuda_sim"');
  });

  test('kernels see the device alone: no host code of the backend, no library', () => {
    const seen = cuda
      .filter((file) => file.startsWith('native/backends/cuda/kernels/'))
      .flatMap(includesOf)
      .filter((name) => name.startsWith('backends/') || name.startsWith('core/'))
      .filter((name) => !/^backends\/cuda\/(kernels|device)\//.test(name));
    expect([...new Set(seen)].sort()).toEqual(['backends/cuda/launch.cuh', 'backends/cuda/storage_type.h']);
  });

  test('device code is compiled by nvcc and the host compiler alike', () => {
    const device = cuda.filter((file) => /\.cuh?$/.test(file));
    // Launches and shared memory go through launch.cuh and device/shared.cuh, which the simulated device replaces.
    const allowed = ['native/backends/cuda/launch.cuh', 'native/backends/cuda/device/shared.cuh'];
    const wrong = device.filter((file) => /<<<|__shared__|\basm\b/.test(textOf(file).replace(/\/\/.*/g, '')));
    expect(wrong.filter((file) => !allowed.includes(file))).toEqual([]);
  });

  test('host code launches nothing itself', () => {
    const host = cuda.filter((file) => file.endsWith('.cc'));
    expect(host.filter((file) => /<<<|cudaLaunchKernel/.test(textOf(file)))).toEqual([]);
  });
});

test('sources stay within a readable size, or say why they do not', () => {
  const long = [...lib, ...native, ...filesIn('test', /\.ts$/)].filter((file) => {
    const lines = textOf(file).split('\n');
    return lines.length > 401 && !/stays whole/.test(lines.slice(0, 12).join('\n'));
  });
  expect(long).toEqual([]);
});
