/**
 * Makes a fresh Debian or Ubuntu machine ready: finds what is missing, says so, installs it with apt, and builds the
 * addon and the TypeScript, and the CUDA backend where a CUDA toolkit and cuDNN are found and SENET_CUDA is not `off`.
 * Does nothing where nothing is to do; run it as often as you like.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCuda } from './cuda_toolkit.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const runs = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Whether the compiler finds a header. */
const hasHeader = (name) =>
  spawnSync('g++', ['-fsyntax-only', '-x', 'c++', '-'], {
    input: `#include <${name}>\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  }).status === 0;

const fashionMnist = process.env.SENET_FASHION_MNIST ?? '/usr/share/datasets/fashion-mnist';

/** What senet needs from the system, and the Debian package that brings it. */
const needs = [
  { package: 'g++', what: 'a C++20 compiler', found: () => runs('g++', '--version') },
  { package: 'make', what: 'make', found: () => runs('make', '--version') },
  { package: 'cmake', what: 'CMake 3.22 or newer', found: () => runs('cmake', '--version') },
  { package: 'libdnnl-dev', what: 'oneDNN 2.6 or newer', found: () => hasHeader('oneapi/dnnl/dnnl.hpp') },
  {
    package: 'dataset-fashion-mnist',
    what: 'the Fashion-MNIST images',
    optional: true,
    found: () => existsSync(fashionMnist) && readdirSync(fashionMnist).some((file) => file.includes('ubyte')),
  },
];

const missing = () => needs.filter((need) => !need.found());

function fail(packages, reason) {
  const command = `apt-get install ${packages.map((need) => need.package).join(' ')}`;
  console.error(`senet setup: ${reason}\nMissing:`);
  for (const need of packages) console.error(`  ${need.what} (package ${need.package})`);
  console.error(`Install with:\n  ${process.getuid?.() === 0 ? '' : 'sudo '}${command}`);
  process.exit(1);
}

/** Installs packages with apt, with sudo when not root; false when that is not possible. */
function aptInstall(packages) {
  if (!runs('apt-get', '--version')) return false;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !runs('sudo', '--version')) return false;
  const apt = (...args) => {
    const [command, ...rest] = isRoot ? ['apt-get', ...args] : ['sudo', 'apt-get', ...args];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    return spawnSync(command, rest, { stdio: ['inherit', 2, 2], env }).status === 0;
  };
  apt('update');
  return apt('install', '-y', '--no-install-recommends', ...packages);
}

function installMissing() {
  const wanted = missing();
  if (wanted.length === 0) return;
  console.error(`senet setup: missing ${wanted.map((need) => `${need.what} (${need.package})`).join(', ')}`);
  // One package at a time, so that one that does not exist on this system does not keep the others away.
  for (const need of wanted) aptInstall([need.package]);
  const still = missing();
  const required = still.filter((need) => !need.optional);
  if (required.length > 0) fail(required, 'these could not be installed');
  for (const need of still) {
    console.error(
      `senet setup: ${need.what} could not be installed (package ${need.package}). Put the four IDX files, which the ` +
        'Fashion-MNIST project of Zalando Research publishes on GitHub, into a folder and name it in SENET_FASHION_MNIST.',
    );
  }
}

/** Every file below a folder. */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Changes with every source the build depends on, and with the processor, whose instructions the kernels use. */
function fingerprint(files, tools) {
  const hash = createHash('sha256').update(`${cpus()[0]?.model} ${process.arch}${tools}`);
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/**
 * Builds a part unless it was built from the very same sources.
 *
 * @param options.tools names what it is built with
 * @param options.optional everything else works without it
 */
function build(name, files, product, command, { tools = '', optional = false } = {}) {
  const stamp = join(root, 'build', `${name}.stamp`);
  const wanted = fingerprint(files, tools);
  const done = existsSync(product) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (done) return;
  console.error(`senet setup: building ${name}`);
  const [program, ...args] = command;
  try {
    execFileSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
  } catch {
    console.error(`senet setup: building ${name} failed; the messages above say why`);
    if (optional) return;
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

const inRoot = (...parts) => join(root, ...parts);
const cmakeJs = inRoot('node_modules', 'cmake-js', 'bin', 'cmake-js');
const typescript = inRoot('node_modules', 'typescript', 'bin', 'tsc');

/** Builds the backend for GPUs, or says in a line why not. */
function buildCuda() {
  if (process.env.SENET_CUDA === 'off') return console.error('senet setup: SENET_CUDA=off, no CUDA backend');
  const { toolkit, cudnn, missing } = findCuda();
  if (missing.length > 0) {
    const what = missing.map((entry) => entry.what).join(', ');
    return console.error(`senet setup: no CUDA backend; not found: ${what} (npx senet doctor says more)`);
  }
  const files = filesBelow(inRoot('native')).filter((file) => !/[/](addon|cpu|cuda_sim)[/]/.test(file));
  build(
    'cuda',
    [inRoot('scripts', 'build_cuda.mjs'), ...files],
    inRoot('build', 'Release', 'senet_cuda.so'),
    [process.execPath, inRoot('scripts', 'build_cuda.mjs')],
    { tools: JSON.stringify([toolkit, cudnn]), optional: true },
  );
}

installMissing();
build(
  'addon',
  [inRoot('CMakeLists.txt'), ...filesBelow(inRoot('native'))],
  inRoot('build', 'Release', 'senet.node'),
  [process.execPath, cmakeJs, 'build', '--parallel', String(cpus().length)],
);
// An installed package brings its JavaScript along.
if (existsSync(typescript)) {
  const script = inRoot('scripts', 'build_ts.mjs');
  build(
    'typescript',
    [script, inRoot('tsconfig.json'), inRoot('tsconfig.build.json'), ...filesBelow(inRoot('lib'))],
    inRoot('dist', 'index.js'),
    [process.execPath, script],
  );
}
buildCuda();
