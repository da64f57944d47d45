/** Finds what the CUDA backend is built with: NVIDIA's compiler with its runtime library, and cuDNN. Runs nothing. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';

const LEAST_CUDA = 13;
const CUDNN_MAJOR = 9;
const DEBIAN = 'x86_64-linux-gnu';

const wanted = {
  toolkit: {
    what: `CUDA toolkit ${LEAST_CUDA}`,
    advice: "install NVIDIA's CUDA toolkit 13, or name its folder in CUDA_HOME",
  },
  cudnn: {
    what: `headers of cuDNN ${CUDNN_MAJOR}`,
    advice:
      "install cuDNN 9 for CUDA 13 (NVIDIA's package cudnn9-cuda-13 or the Python wheel nvidia-cudnn-cu13), or name " +
      'its folder in SENET_CUDNN',
  },
};

const first = (files) => files.find((file) => existsSync(file));
const named = (...names) => names.map((name) => process.env[name]).filter((value) => value);

/** The number that a header defines a name as; undefined without the header or the name. */
function definition(header, name) {
  if (!existsSync(header)) return undefined;
  const found = new RegExp(`^#define ${name}\\s+(\\d+)`, 'm').exec(readFileSync(header, 'utf8'));
  return found === null ? undefined : Number(found[1]);
}

/** Folders that may hold a toolkit: named ones, that of the nvcc on the path, the usual ones from the newest down. */
function toolkitFolders(system) {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'nvcc'))
    .filter((file) => existsSync(file))
    .map((file) => dirname(dirname(realpathSync(file))));
  const local = join(system, 'usr', 'local');
  const versioned = (existsSync(local) ? readdirSync(local) : [])
    .filter((name) => /^cuda-\d/.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const usual = ['cuda', ...versioned].map((name) => join(local, name));
  return [...new Set([...named('CUDA_HOME', 'CUDA_PATH'), ...onPath, ...usual])];
}

/** The toolkit in a folder, or why it is none that will do; undefined when there is nothing of it. */
function toolkitIn(root) {
  const nvcc = join(root, 'bin', 'nvcc');
  const version = definition(join(root, 'include', 'cuda_runtime_api.h'), 'CUDART_VERSION');
  if (!existsSync(nvcc) || version === undefined) return undefined;
  const text = `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
  if (version < LEAST_CUDA * 1000) return `${root} has CUDA ${text}, ${LEAST_CUDA}.0 or newer is needed`;
  const archive = first(
    ['lib64', 'lib', join('lib', DEBIAN)].map((lib) => join(root, lib, 'libcudart_static.a')),
  );
  if (archive === undefined) return `${root} has no libcudart_static.a`;
  return { root, nvcc, version: text, include: join(root, 'include'), lib: dirname(archive) };
}

/** Folders in which Python environments keep their packages, as lib/cuda.ts searches them. */
function sitePackages(system) {
  const own = [...named('VIRTUAL_ENV', 'CONDA_PREFIX'), join(homedir(), '.local')];
  const roots = [...own, join(system, 'usr', 'local'), join(system, 'usr')];
  return roots
    .map((root) => join(root, 'lib'))
    .filter((lib) => existsSync(lib))
    .flatMap((lib) =>
      readdirSync(lib)
        .filter((name) => /^python3(\.\d+)?$/.test(name))
        .flatMap((name) => [join(lib, name, 'site-packages'), join(lib, name, 'dist-packages')]),
    );
}

/** Folders that may have include/ and lib/ of cuDNN: those SENET_CUDNN can mean, toolkits, the system, wheels. */
function cudnnFolders(toolkit, system) {
  const wheels = sitePackages(system).map((folder) => join(folder, 'nvidia', 'cudnn'));
  const meant = named('SENET_CUDNN').flatMap((place) => {
    const folder = existsSync(place) && statSync(place).isFile() ? dirname(place) : place;
    return /^lib(64)?$/.test(basename(folder)) ? [dirname(folder)] : [folder, join(folder, 'cudnn')];
  });
  return [
    ...meant,
    ...(toolkit === undefined ? [] : [toolkit.root]),
    ...[join(system, 'usr'), join(system, 'usr', 'local')],
    ...wheels.filter((folder) => existsSync(folder)),
  ];
}

/** cuDNN in a folder, or why it will not do; undefined when its headers are not there. */
function cudnnIn(root) {
  const header = first(['include', join('include', DEBIAN)].map((name) => join(root, name, 'cudnn.h')));
  if (header === undefined) return undefined;
  const include = dirname(header);
  const [major, minor, patch] = ['MAJOR', 'MINOR', 'PATCHLEVEL'].map((part) =>
    definition(join(include, 'cudnn_version.h'), `CUDNN_${part}`),
  );
  if (major !== CUDNN_MAJOR) return `${include} has version ${major ?? 'unknown'}, ${CUDNN_MAJOR} is needed`;
  const library = first(
    ['lib', 'lib64', join('lib', DEBIAN)].map((lib) => join(root, lib, `libcudnn.so.${CUDNN_MAJOR}`)),
  );
  if (library === undefined)
    return `${include} has headers, but there is no libcudnn.so.${CUDNN_MAJOR} in ${root}`;
  return { include, library, version: `${major}.${minor}.${patch}` };
}

/** What the first folder that will do has; otherwise what is missing and where it was looked for. */
function search({ what, advice }, folders, look) {
  const refused = [];
  for (const folder of folders) {
    const found = look(folder);
    if (typeof found === 'object') return { found };
    if (found !== undefined) refused.push(found);
  }
  const looked = [`looked in ${folders.join(', ')}`, ...refused].join('; ');
  return { missing: { what, looked, advice } };
}

/**
 * What there is to build with.
 *
 * @param system the folder that has usr/, `/` but for tests
 * @returns `toolkit` { root, nvcc, version, include, lib } and `cudnn` { include, library, version }, each undefined
 *   when it is not there, and `missing`, for each of those { what, looked, advice }
 */
export function findCuda(system = '/') {
  const toolkit = search(wanted.toolkit, toolkitFolders(system), toolkitIn);
  const cudnn = search(wanted.cudnn, cudnnFolders(toolkit.found, system), cudnnIn);
  const missing = [toolkit.missing, cudnn.missing].filter((entry) => entry !== undefined);
  return { toolkit: toolkit.found, cudnn: cudnn.found, missing };
}
