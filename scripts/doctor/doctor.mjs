/** What `senet doctor` tells: facts about this machine, one after another, each with what to do where it is missing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCuda } from '../cuda_toolkit.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const LEAST_DRIVER = 580;

/** `ok`; `failed`, without which nothing works; `absent`, which only a GPU needs. */
const fact = (name, state, found, advice) => ({
  name,
  state,
  found,
  ...(advice !== undefined && { advice }),
});
const ok = (name, found) => fact(name, 'ok', found);

/** What probe.mjs prints of a device; in a process of its own, which a library that suits it badly may end or hold. */
function probe(device) {
  const options = { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' };
  const { stdout, stderr, signal } = spawnSync(process.execPath, [join(here, 'probe.mjs'), device], options);
  const line = stdout?.trim().split('\n').at(-1) ?? '';
  if (signal === null && line.startsWith('{')) return JSON.parse(line);
  const reason = stderr?.trim().split('\n').at(-1);
  return { error: signal === null ? `could not be tried: ${reason}` : `ended by ${signal}` };
}

function nodeFact() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const suits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  const found = process.version;
  return suits ? ok('Node', found) : fact('Node', 'failed', found, 'install Node 20.19, 22.12, 24 or newer');
}

/** A file that a build has made, with its date. */
const built = (file) => `${file}, built ${statSync(file).mtime.toISOString().slice(0, 16).replace('T', ' ')}`;

function cpuFacts(cpu) {
  const addon = process.env.SENET_ADDON || join(root, 'build', 'Release', 'senet.node');
  const advice = 'run: npm run setup';
  const file = existsSync(addon)
    ? ok('addon', built(addon))
    : fact('addon', 'failed', `not built: looked for ${addon}`, advice);
  if (cpu.error === undefined) return [file, ok('CPU', cpu.description)];
  const rebuild =
    cpu.error === 'ended by SIGILL' ? `built for another processor; remove ${addon} and ${advice}` : advice;
  return [file, fact('CPU', 'failed', cpu.error, rebuild)];
}

const systemFolders = () => [
  ...(process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== ''),
  ...['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'],
];

/** NVIDIA's compiler for programs that run, by which cuDNN fuses; looked for where cuDNN looks. */
function nvrtcFacts(cudnn, toolkit) {
  if (cudnn === undefined) return [];
  const name = 'libnvrtc.so.13';
  const wheels = dirname(dirname(dirname(cudnn)));
  const folders = [
    ...[dirname(cudnn), join(wheels, 'cuda_nvrtc', 'lib'), join(wheels, 'cu13', 'lib')],
    ...(toolkit ? [toolkit.lib] : []),
    ...systemFolders(),
  ];
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  const advice =
    'install NVRTC of CUDA 13 (part of the toolkit, or the wheel nvidia-cuda-nvrtc); without it cuDNN fuses little';
  return [file ? ok(name, file) : fact(name, 'absent', `looked in ${folders.join(', ')}`, advice)];
}

/** The driver's version, which the kernel tells, and its library. */
function driverFact() {
  const file = '/proc/driver/nvidia/version';
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const version = /Module\b.*?\s(\d{3,}[.\d]*)/.exec(text)?.[1];
  const folders = [...systemFolders(), '/usr/lib/wsl/lib', '/usr/local/nvidia/lib64'];
  const library = folders.map((folder) => join(folder, 'libcuda.so.1')).find((name) => existsSync(name));
  const name = 'NVIDIA driver';
  const install = `install NVIDIA's driver, version ${LEAST_DRIVER} or newer`;
  if (version === undefined && library === undefined) return fact(name, 'absent', 'none', install);
  if (library === undefined) {
    const advice = 'in a container, start it so that it sees the GPU (docker run --gpus all)';
    return fact(name, 'absent', `${version}, but no libcuda.so.1 in ${folders.join(', ')}`, advice);
  }
  const found = `${version ?? 'version unknown'}, ${library}`;
  return Number.parseInt(version ?? `${LEAST_DRIVER}`, 10) < LEAST_DRIVER
    ? fact(name, 'absent', found, install)
    : ok(name, found);
}

/** The library at run time, with its version from the backend that uses it or the header that lies beside it. */
function cudnnFact({ cudnn, description, candidates }, headers) {
  const name = 'libcudnn.so.9';
  if (cudnn !== undefined) {
    const beside =
      headers && realpathSync(headers.library) === realpathSync(cudnn) ? headers.version : 'version unknown';
    return ok(name, `${/cuDNN ([.\d]+)/.exec(description)?.[1] ?? beside}, ${cudnn}`);
  }
  // The backend may bring one along, as the simulated one of the tests does.
  if (description !== undefined) return ok(name, description);
  const looked = candidates === undefined ? 'could not be looked for' : `looked for ${candidates.join(', ')}`;
  return fact(name, 'absent', looked, 'install cuDNN 9 for CUDA 13, or name its folder in SENET_CUDNN');
}

function cudaFacts(cuda) {
  const library = process.env.SENET_CUDA_LIBRARY || join(root, 'build', 'Release', 'senet_cuda.so');
  const backend = existsSync(library)
    ? ok('CUDA backend', built(library))
    : fact('CUDA backend', 'absent', `not built: looked for ${library}`, 'run: npm run setup');
  const { toolkit, cudnn, missing } = findCuda();
  const gpus = (cuda.devices ?? []).map((text, i) => ok(`GPU cuda:${i}`, text));
  const reason = existsSync(library) ? cuda.error : 'the CUDA backend is not built';
  const tried =
    cuda.error === undefined ? ok('GPU test', 'a small network ran') : fact('GPU', 'absent', reason);
  return [
    backend,
    ...(toolkit ? [ok('CUDA toolkit', `${toolkit.version}, ${toolkit.root}`)] : []),
    ...(cudnn ? [ok('cuDNN headers', `${cudnn.version}, ${cudnn.include}`)] : []),
    ...missing.map(({ what, looked, advice }) =>
      fact(what, 'absent', looked, `to build for GPUs, ${advice}`),
    ),
    cudnnFact(cuda, cudnn),
    ...nvrtcFacts(cuda.cudnn, toolkit),
    driverFact(),
    ...gpus,
    tried,
  ];
}

/**
 * Everything that was found.
 *
 * @returns {{ cpu: boolean, gpu: boolean, facts: object[] }} whether CPU and GPU can be used, and the facts
 */
export function gatherFacts() {
  const cpu = probe('cpu');
  const cuda = probe('cuda');
  const facts = [nodeFact(), ...cpuFacts(cpu), ...cudaFacts(cuda)];
  return {
    cpu: facts.every(({ state }) => state !== 'failed'),
    gpu: cuda.error === undefined,
    facts,
  };
}

const marks = { ok: '✓', failed: '✗', absent: '–' };

/** The facts as text, one a line, with advice on the next. */
export function formatFacts({ cpu, gpu, facts }) {
  const width = Math.max(...facts.map(({ name }) => name.length));
  const lines = facts.flatMap(({ name, state, found, advice }) => [
    `${marks[state]} ${name.padEnd(width)}  ${found}`,
    ...(advice === undefined ? [] : [`  ${''.padEnd(width)}  → ${advice}`]),
  ]);
  const verdict = [`The CPU can${cpu ? '' : 'not'} be used.`, `A GPU can${gpu ? '' : 'not'} be used.`];
  return [...lines, verdict.join(' ')].join('\n');
}
