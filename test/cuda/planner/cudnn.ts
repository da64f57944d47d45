/** Finds the real cuDNN and what is needed to build against it: nothing here is required, all of it can be absent. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export interface Cudnn {
  /** Has include/ and lib/. */
  readonly root: string;
  /** Folders of libcudnn, cuBLAS and NVRTC. */
  readonly libraries: readonly string[];
  /** The CUDA toolkit: include/ and lib64/. */
  readonly toolkit: string;
}

const packages = ['nvidia-cudnn-cu13', 'nvidia-cublas', 'nvidia-cuda-nvrtc'];

function output(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env }).trim();
  } catch {
    return '';
  }
}

const { findCuda } = (await import(new URL('../../../scripts/cuda_toolkit.mjs', import.meta.url).href)) as {
  findCuda: () => { toolkit?: { root: string } };
};

/** The folder "nvidia" of installed wheels. */
const hasCudnn = (folder: string): boolean =>
  folder !== '' && existsSync(join(folder, 'cudnn/include/cudnn.h')) && existsSync(join(folder, 'cu13/lib'));

/** Installs the wheels from folders of this machine that pip is configured with; never from a network. */
function installWheels(target: string): void {
  const setting = (name: string) =>
    output('python3', ['-m', 'pip', 'config', 'list'])
      .split('\n')
      .filter((line) => line.includes(`.${name}=`))
      .flatMap((line) => line.slice(line.indexOf('=') + 1).split(/[\s']+/))
      .filter((place) => place.startsWith('file://') || place.startsWith('/'));
  const links = setting('find-links');
  const indexes = [...new Set([...setting('index-url'), ...setting('extra-index-url')])];
  if (links.length === 0 && indexes.length === 0) return;
  const places = [
    ...links.flatMap((link) => ['--find-links', link]),
    ...indexes.flatMap((index, i) => [i === 0 ? '--index-url' : '--extra-index-url', index]),
    ...(indexes.length === 0 ? ['--no-index'] : []),
  ];
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('PIP_'));
  const env = { ...Object.fromEntries(others), PIP_CONFIG_FILE: '/dev/null' };
  output('python3', ['-m', 'pip', 'install', '--no-deps', '--target', target, ...places, ...packages], env);
}

/** The real cuDNN, or the reason why there is none. $SENET_CUDNN names the folder "nvidia" of its wheels. */
export function findCudnn(buildFolder: string): Cudnn | string {
  const toolkit = findCuda().toolkit?.root;
  if (toolkit === undefined) return 'no CUDA toolkit';
  const wheels = join(buildFolder, 'wheels');
  const imported = output('python3', ['-c', 'import nvidia; print(list(nvidia.__path__)[0])']);
  const places = [process.env['SENET_CUDNN'] ?? '', imported, join(wheels, 'nvidia')];
  if (!places.some(hasCudnn)) installWheels(wheels);
  const found = places.find(hasCudnn);
  if (found === undefined) return 'cuDNN is not installed (set SENET_CUDNN, or install nvidia-cudnn-cu13)';
  const root = join(found, 'cudnn');
  return { root, libraries: [join(root, 'lib'), join(found, 'cu13/lib')], toolkit };
}

/** Writes a header that defines every function which cuDNN looks up in the CUDA driver. */
function writeDriverNames(cudnn: Cudnn, file: string): void {
  if (existsSync(file)) return;
  const defined = new Set(
    [...readFileSync(new URL('driver.c', import.meta.url), 'utf8').matchAll(/^int (cu\w+)\(/gm)].map(
      ([, n]) => n!,
    ),
  );
  const libraries = ['graph', 'engines_runtime_compiled', 'engines_tensor_ir'];
  const names = libraries.flatMap((name) =>
    output('grep', [
      '-aoE',
      '\\bcu[A-Z][A-Za-z0-9]+(_v[0-9]+)?(_pt[ds]z?)?\\b',
      join(cudnn.root, `lib/libcudnn_${name}.so.9`),
    ]).split('\n'),
  );
  const stubs = [...new Set(names)].filter((name) => name !== '' && !defined.has(name)).sort();
  const lines = [
    '#define STUB(name) int name(void) { return 100; }',
    ...stubs.map((name) => `STUB(${name})`),
  ];
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`);
}

/** Runs the planning driver on lines of problems. */
export type RunDriver = (
  device: string,
  most: number,
  lines: readonly string[],
  folder?: string,
) => DriverAnswer[];

export interface DriverAnswer {
  readonly plans: number;
  readonly workspace: number;
  readonly implementation: string;
  readonly ms: number;
}

/** Builds the driver. */
export function buildDriver(cudnn: Cudnn, source: string, build: string): RunDriver {
  const names = join(build, 'driver_names.h');
  writeDriverNames(cudnn, names);
  const defines = [`-DCUDNN_ROOT=${cudnn.root}`, `-DCUDA_ROOT=${cudnn.toolkit}`, `-DDRIVER_NAMES=${names}`];
  execFileSync('cmake', ['-S', source, '-B', build, ...defines], { stdio: 'pipe' });
  execFileSync('cmake', ['--build', build, '--parallel', '2'], { stdio: 'pipe' });
  const path = [build, ...cudnn.libraries, process.env['LD_LIBRARY_PATH'] ?? ''].join(delimiter);
  return (device, most, lines, folder) =>
    execFileSync(join(build, 'plan'), [device, String(most), ...(folder === undefined ? [] : [folder])], {
      input: `${lines.join('\n')}\n`,
      encoding: 'utf8',
      env: { ...process.env, LD_LIBRARY_PATH: path },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
      .trim()
      .split('\n')
      .map((line): DriverAnswer => JSON.parse(line));
}
