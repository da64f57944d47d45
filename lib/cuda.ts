/** Finds and opens the CUDA backend: its own library beside the addon, and the cuDNN that it needs. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CudaUnavailableError, UnsupportedError } from './errors.ts';
import { type CudaInfo, callNative } from './native.ts';

const CUDNN = 'libcudnn.so.9';

/** The library of the backend; `SENET_CUDA_LIBRARY` names another file. */
export function cudaLibrary(): string {
  const named = process.env['SENET_CUDA_LIBRARY'];
  if (named !== undefined && named !== '') return named;
  return fileURLToPath(new URL('../build/Release/senet_cuda.so', import.meta.url));
}

/** Folders in which Python environments keep their packages. */
function sitePackages(): string[] {
  const roots = [
    process.env['VIRTUAL_ENV'],
    process.env['CONDA_PREFIX'],
    join(homedir(), '.local'),
    '/usr/local',
    '/usr',
  ];
  return roots.flatMap((root) => {
    const lib = root === undefined || root === '' ? '' : join(root, 'lib');
    if (lib === '' || !existsSync(lib)) return [];
    const versions = readdirSync(lib).filter((name) => /^python3(\.\d+)?$/.test(name));
    return versions.flatMap((name) => [join(lib, name, 'site-packages'), join(lib, name, 'dist-packages')]);
  });
}

/** The files that `SENET_CUDNN` can mean: the library, its folder, or the folder of cuDNN or of NVIDIA's wheels. */
function namedCudnn(): string[] {
  const named = process.env['SENET_CUDNN'];
  if (named === undefined || named === '') return [];
  if (/\.so(\.\d+)*$/.test(named)) return [named];
  const below = ['lib', 'lib64', 'cudnn/lib'].map((folder) => join(named, folder, CUDNN));
  return [join(named, CUDNN), ...below.filter((file) => existsSync(file))];
}

/**
 * Where cuDNN is looked for, in this order: what `SENET_CUDNN` names; the system's libraries; the wheels of Python
 * environments.
 */
export function cudnnCandidates(): string[] {
  const wheels = sitePackages().map((folder) => join(folder, 'nvidia', 'cudnn', 'lib', CUDNN));
  return [...namedCudnn(), CUDNN, ...wheels.filter((file) => existsSync(file))];
}

/** Where cuDNN's plans are kept between processes: a folder of the user's cache. A relative XDG_CACHE_HOME is no name. */
export function planCacheFolder(): string {
  const named = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(named) ? named : join(homedir(), '.cache'), 'senet');
}

/** Whether this build has the CUDA backend. */
export function hasCudaLibrary(): boolean {
  return existsSync(cudaLibrary());
}

/**
 * Opens the backend and looks for GPUs, of which at least one can be used. Leaves the event loop free.
 *
 * @throws CudaUnavailableError saying what was looked for, where, and what to install
 */
export async function openCuda(): Promise<CudaInfo> {
  const library = cudaLibrary();
  if (!existsSync(library)) {
    throw new CudaUnavailableError(
      `the CUDA backend is not built: looked for ${library}. It is built by 'npm run setup' where nvcc (CUDA 13) and ` +
        'the headers of cuDNN 9 are found',
    );
  }
  const cudnn = cudnnCandidates();
  let info: CudaInfo;
  try {
    info = await callNative((addon) => addon.openCuda(library, cudnn));
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    throw new CudaUnavailableError(
      `${error.message}\nLooked for cuDNN as ${cudnn.join(', ')}. Install cuDNN 9 (a package of the system or the ` +
        'Python wheel nvidia-cudnn-cu13), or name its folder in SENET_CUDNN',
    );
  }
  if (info.devices.every(({ missing }) => missing !== '')) {
    const missing = info.devices.length === 0 ? info.missing : info.devices[0]!.missing;
    throw new CudaUnavailableError(
      `no GPU can be used: ${missing}. Found ${info.description} in ${dirname(library)}; a GPU of compute ` +
        'capability 8.0 or newer and its driver (version 580 or newer for CUDA 13) are needed',
    );
  }
  return info;
}
