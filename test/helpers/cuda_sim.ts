/** Builds what runs on the simulated GPU, native/backends/cuda_sim, in one of its modes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How programs for the simulated GPU are built: `traffic` is `tsan` with accesses counted instead of checked. */
export type SimMode = 'plain' | 'asan' | 'tsan' | 'traffic';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const buildOf = (mode: SimMode): SimMode => (mode === 'traffic' ? 'tsan' : mode);
const folderOf = (mode: SimMode): string => join(root, 'build/cuda-sim', buildOf(mode));
/** Folder and ending of each. */
const paths = {
  senet_cuda_sim: ['.', '.so'],
  simulator_tests: ['tests/simulator', ''],
  kernel_tests: ['tests/kernels', ''],
  dnn_tests: ['tests/dnn', ''],
  host_tests: ['tests/host', ''],
} as const;

// Tests started by another test, which runs them with the sanitizers' addon, take the sanitizers' library too.
const libraryMode: SimMode = process.env['SENET_SIM_MODE'] === 'asan' ? 'asan' : 'plain';

/** The backend's library, to name in `SENET_CUDA_LIBRARY`. */
export const cudaSimLibrary = join(folderOf(libraryMode), 'senet_cuda_sim.so');

/** Builds one program or library, does little when it is built already, and gives its path back. */
export function buildOnSim(mode: SimMode, target: keyof typeof paths): string {
  const folder = folderOf(mode);
  const name = mode === 'traffic' ? `${target}_traffic` : target;
  mkdirSync(folder, { recursive: true });
  const source = join(root, 'native/backends/cuda_sim');
  const configure = ['cmake', '-S', source, '-B', folder, `-DSENET_SIM_MODE=${buildOf(mode)}`];
  if (!existsSync(join(folder, 'CMakeCache.txt')) && hasNinja()) configure.push('-G', 'Ninja');
  const build = ['cmake', '--build', folder, '--target', name, '--parallel', '2'];
  // Files of tests run side by side, and a folder can only be built by one of them at a time.
  const command = [configure, build].map((args) => args.map((arg) => `'${arg}'`).join(' ')).join(' && ');
  execFileSync('flock', [join(folder, 'lock'), 'sh', '-c', command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [place, ending] = paths[target];
  return join(folder, place, name + ending);
}

function hasNinja(): boolean {
  try {
    execFileSync('ninja', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Called before the first test. */
export function setup(): void {
  buildOnSim(libraryMode, 'senet_cuda_sim');
}
