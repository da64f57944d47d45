// Who takes part. Each contender is used when it is installed and named when it is not; each says what it cannot do.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listDevices } from '../../dist/index.js';
import { findBrowser } from '../../scripts/find_browser.mjs';
import { Contender } from '../harness.mjs';
import { optionsOf } from '../inputs.mjs';
import { pinnedCpus } from '../machine.mjs';

const bench = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(bench, 'peers/tfjs/node_modules/@tensorflow');

/** glibc keeps freed memory, without which PyTorch pays for page faults in every step. */
const keepMemory = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: '34359738368',
  MALLOC_TOP_PAD_: '268435456',
};

const script = (file, ...args) => [process.execPath, join(bench, file), ...args];

const OPTIONS = ['model', 'mode', 'batch', 'size', 'threads', 'weights', 'images', 'warmup'];

/** What the programs of all contenders understand. */
const shared = (work, threads) =>
  Object.entries({ ...work, threads })
    .filter(([key, value]) => OPTIONS.includes(key) && value !== undefined)
    .flatMap(([key, value]) => [`--${key}`, `${value}`]);

function senet(name, device, absent) {
  return {
    name,
    runtime: 'node',
    absent,
    kernels: device === 'cpu' ? script('contenders/senet_kernels.mjs') : undefined,
    cannot: () => undefined,
    command({ model, ...work }, threads) {
      const { strideIn } = optionsOf(model);
      const place = strideIn === undefined ? [] : ['--stride-in', strideIn];
      return script(
        'contenders/senet.mjs',
        ...shared({ model, ...work }, threads),
        '--device',
        device,
        ...place,
      );
    },
  };
}

/** The net and what is done with it are the file's. */
const onnxWork = ({ batch, size, images, warmup }) => ({ batch, size, images, warmup });

function onnxruntime() {
  let absent;
  try {
    import.meta.resolve('onnxruntime-node');
  } catch {
    absent = 'onnxruntime-node is not installed';
  }
  return {
    name: 'onnxruntime-node',
    runtime: 'node',
    absent,
    cannot: ({ mode }) => (mode === 'train' ? 'onnxruntime-node has no training' : undefined),
    command: (work, threads) =>
      script('peers/onnxruntime.mjs', ...shared(onnxWork(work), threads), '--onnx', work.onnx),
  };
}

function pytorch(variant, python, absent) {
  return {
    name: `pytorch ${variant}`,
    runtime: 'python',
    absent,
    env: keepMemory,
    kernels: variant === 'channels_last' ? [python, join(bench, 'peers/pytorch_kernels.py')] : undefined,
    cannot: () => undefined,
    command: (work, threads) => [
      ...[python, join(bench, 'peers/pytorch.py'), ...shared(work, threads)],
      ...['--variant', variant],
    ],
  };
}

const tfjsLimits = {
  node: () => undefined,
  wasm: ({ mode }) =>
    mode === 'train' ? 'tfjs-wasm has no gradient of a convolution for its filter' : undefined,
  // Plain JavaScript: an image of 224x224 takes half a minute and more.
  cpu: ({ mode, batch }) =>
    mode === 'train' || batch > 1 ? 'tfjs-cpu takes minutes for one of these' : undefined,
};

/** One iteration of what takes half a minute is warm-up enough. */
const warmupOf = (backend, { warmup }) => (backend === 'cpu' ? 1 : warmup);

const NOT_SET_UP = 'not set up: bench/peers/tfjs/setup.mjs does it';

function tfjs(backend) {
  const file = { node: 'tfjs-node/lib/napi-v8/tfjs_binding.node', wasm: 'tfjs-backend-wasm', cpu: 'tfjs' }[
    backend
  ];
  return {
    name: `tfjs-${backend}`,
    runtime: 'node',
    absent: existsSync(join(modules, file)) ? undefined : NOT_SET_UP,
    kernels: script('peers/tfjs/kernels.mjs', '--backend', backend),
    env: (threads) => ({ TF_NUM_INTRAOP_THREADS: `${threads}`, TF_CPP_MIN_LOG_LEVEL: '2' }),
    cannot: tfjsLimits[backend],
    command: (work, threads) =>
      script(
        'peers/tfjs/contender.mjs',
        '--backend',
        backend,
        ...shared({ ...work, warmup: warmupOf(backend, work) }, threads),
      ),
  };
}

function tfjsWebgpu() {
  const noBrowser =
    findBrowser() === undefined ? 'no browser: chromium or google-chrome on the path' : undefined;
  return {
    name: 'tfjs-webgpu',
    runtime: 'browser',
    absent: existsSync(join(modules, 'tfjs-backend-webgpu')) ? noBrowser : NOT_SET_UP,
    cannot: () => undefined,
    command: (work, threads) => script('peers/tfjs/browser.mjs', ...shared(work, threads)),
  };
}

/** Why PyTorch cannot be used, or undefined. */
function pytorchAbsent(python) {
  if (python === undefined) return '--python names none with PyTorch';
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `${python} has no PyTorch`;
  }
}

/** All contenders, present or absent; senet comes first, and is what the others are checked against. */
export async function listContenders({ python }) {
  const devices = await listDevices();
  const gpu = devices.some(({ name }) => name.startsWith('cuda')) ? undefined : 'no GPU that can be used';
  const noPytorch = pytorchAbsent(python);
  return [
    senet('senet', 'cpu'),
    senet('senet cuda', 'cuda', gpu),
    onnxruntime(),
    ...['eager', 'channels_last', 'compiled'].map((variant) => pytorch(variant, python, noPytorch)),
    ...['node', 'wasm', 'cpu'].map(tfjs),
    tfjsWebgpu(),
  ];
}

/** A command on as many cores as it has threads. */
export function pinned(command, threads) {
  const cpus = pinnedCpus(threads);
  return cpus === null ? command : ['taskset', '--cpu-list', cpus.join(','), ...command];
}

/** Starts a contender's process; `command` is that of a work or of its kernels, `extra` more environment variables. */
export function start({ name, env = {}, runtime }, command, threads, extra = {}) {
  const own = typeof env === 'function' ? env(threads) : env;
  return new Contender(name, pinned(command, threads), { ...own, ...extra }, runtime);
}
