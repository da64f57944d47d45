/**
 * Checks and times senet on a GPU, and writes gpu-report.md and gpu-report.json:
 *
 *   npm run gpu:check                            everything
 *   npm run gpu:check -- ops models              some parts of ops, layers, training, models, convolutions
 *   npm run gpu:check -- --autotune              implementations chosen by timing them
 *   npm run gpu:check -- --bandwidth 2039 --flops 250    GB/s and TFLOP/s of a GPU that is not known
 *   npm run gpu:check -- --small                 tiny sizes, to try the check itself
 *
 * `node scripts/gpu_check.mjs` does the same without npm. The exit code is 0 when all is right, 1 when something is
 * wrong, 2 when no GPU can be used. Each part runs in a process of its own: one that crashes is reported and the others
 * go on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findCuda } from './cuda_toolkit.mjs';
import { formatFacts, gatherFacts } from './doctor/doctor.mjs';
import { formatReport, passed } from './gpu_check/report.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const partNames = ['ops', 'layers', 'training', 'models', 'convolutions'];

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      small: { type: 'boolean', default: false },
      autotune: { type: 'boolean', default: false },
      bandwidth: { type: 'string' },
      flops: { type: 'string' },
      out: { type: 'string', default: root },
    },
  });
  const unknown = positionals.find((name) => !partNames.includes(name));
  if (unknown !== undefined) throw new Error(`expected ${partNames.join(', ')}, received '${unknown}'`);
  const positive = (name, unit) => {
    if (values[name] === undefined) return undefined;
    if (Number(values[name]) > 0) return Number(values[name]) * unit;
    throw new Error(`--${name}: expected a positive number, received '${values[name]}'`);
  };
  return {
    ...values,
    peak: { bandwidth: positive('bandwidth', 1e9), flops: positive('flops', 1e12) },
    parts: positionals.length === 0 ? partNames : positionals,
  };
}

/** Runs one of the project's build steps; whether it succeeded. */
const build = (...args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;

/** Builds what can be built here; what was built before and brought along is used as it is. */
function buildAll() {
  if (!process.env.SENET_CUDA_LIBRARY && findCuda().missing.length === 0) {
    if (!build(join(here, 'build_cuda.mjs'))) throw new Error('the CUDA backend could not be built');
  }
  const typescript = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (existsSync(typescript)) return build(typescript, '-p', join(here, 'gpu_check'));
  return existsSync(join(root, 'build', 'gpu-check', 'lib', 'index.js'));
}

/** The compiled TypeScript lies elsewhere than usual and has to be told where the libraries are. */
const environment = {
  ...process.env,
  SENET_ADDON: resolve(process.env.SENET_ADDON || join(root, 'build', 'Release', 'senet.node')),
  SENET_CUDA_LIBRARY: resolve(
    process.env.SENET_CUDA_LIBRARY || join(root, 'build', 'Release', 'senet_cuda.so'),
  ),
};

/** Runs a part in a process of its own; resolves to its result, or to an error with what was asked of it. */
function work(part, settings, timeout = 600_000) {
  const child = spawn(
    process.execPath,
    [join(here, 'gpu_check', 'worker.mjs'), part, JSON.stringify(settings)],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' },
  );
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (chunk) => {
      output[name] += chunk;
    });
  }
  return new Promise((done) => {
    child.on('close', (code, signal) => {
      const line = output.stdout.trim().split('\n').at(-1);
      if (line.startsWith('{')) return done({ ...settings, ...JSON.parse(line) });
      const how = signal === null ? `ended with code ${code}` : `ended by ${signal}`;
      done({ ...settings, error: `${how}: ${output.stderr.trim().slice(-500)}` });
    });
  });
}

/** Results of a part for a list of settings, `atOnce` of them side by side, in the list's order. */
async function workAll(part, list, atOnce = 1) {
  const results = [];
  const waiting = [...list.entries()];
  const take = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, settings] = next;
      results[i] = await work(part, settings);
      const { error, failures = [], results: checks = [] } = results[i];
      const wrong = error ?? [...failures, ...checks.filter((c) => !c.passed)].length;
      const which = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
      console.error(`gpu:check: ${part}, ${which.join(', ')}: ${wrong === 0 ? 'done' : `wrong: ${wrong}`}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, take));
  return results;
}

function modelSettings({ small, autotune }) {
  const sizes = small
    ? { depth: 14, size: 16, large: 2, seconds: 0, runs: 1 }
    : { depth: 50, size: 224, large: 256, seconds: 2, runs: 9 };
  const { depth, large, ...rest } = sizes;
  return ['se_resnet', 'resnet'].flatMap((family) =>
    [
      { training: true, batch: large },
      { training: false, batch: 1 },
      { training: false, batch: large },
    ].map((program) => ({ name: `${family}${depth}`, ...program, ...rest, autotune })),
  );
}

/** Parts that time nothing share the GPU among two processes. */
const runPart = {
  async ops() {
    const { opNames } = await import('./gpu_check/ops.mjs');
    const list = opNames().map((op) => ({ op }));
    return workAll('ops', list, 2);
  },
  layers({ small }) {
    const sizes = small
      ? { name: 'se_resnet14', size: 16, batch: 2 }
      : { name: 'se_resnet50', size: 224, batch: 4 };
    const list = ['float32', 'tf32', 'float16', 'bfloat16'].map((precision) => ({ ...sizes, precision }));
    return workAll('layers', list, 2);
  },
  async training() {
    const { groupNames } = await import('./gpu_check/training.mjs');
    const list = groupNames.map((group) => ({ group }));
    return workAll('training', list, 2);
  },
  models: (options) => workAll('models', modelSettings(options)),
  convolutions({ small, autotune }) {
    const settings = small ? { batch: 1, size: 32, runs: 1 } : { batch: 64, size: 224, runs: 9 };
    return workAll('convolutions', [{ ...settings, autotune }]);
  },
};

async function main() {
  const options = readOptions();
  const ready = buildAll();
  const machine = gatherFacts();
  if (!machine.gpu || !ready) {
    console.error(formatFacts(machine));
    console.error(`gpu:check: ${machine.gpu ? 'TypeScript could not be compiled' : 'no GPU can be used'}`);
    process.exit(2);
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { facts } = machine;
  const device = facts.find(({ name }) => name === 'GPU cuda:0').found;
  const report = { date: new Date().toISOString(), version, device, peak: options.peak, facts };
  for (const part of options.parts) report[part] = await runPart[part](options);
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'gpu-report.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(options.out, 'gpu-report.md'), formatReport(report));
  console.log(join(options.out, 'gpu-report.md'));
  process.exit(passed(report) ? 0 : 1);
}

try {
  await main();
} catch (error) {
  console.error(`gpu:check: ${error.message}`);
  process.exit(1);
}
