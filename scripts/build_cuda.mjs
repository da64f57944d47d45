/**
 * Builds the library of the CUDA backend, which the addon opens when a GPU is asked for:
 *
 *   node scripts/build_cuda.mjs                    build/Release/senet_cuda.so
 *   node scripts/build_cuda.mjs --library FILE     the same in another place
 *
 * Needs g++, a CUDA toolkit and cuDNN, and neither CMake nor npm. Sources are compiled several at once: most of the
 * time goes into the headers that they share. Objects are kept in build/cuda and made anew when their sources, their
 * options or the versions of the compilers change. Beside an object of kernels, NAME.cu.o, the folder NAME.cu.o.report
 * has their PTX and the assembler's report, ptxas.txt, for tests to read.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { findCuda } from './cuda_toolkit.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const native = join(root, 'native');
const objects = join(root, 'build', 'cuda');

const run = promisify(execFile);

function fail(...lines) {
  for (const line of lines) console.error(`CUDA backend: ${line}`);
  process.exit(1);
}

/** The compiler's version; it is part of what decides whether an object is up to date. */
function hostCompiler() {
  try {
    return execFileSync('g++', ['-dumpfullversion'], { encoding: 'utf8' }).trim();
  } catch {
    return fail('g++ is needed and was not found on the path (package g++)');
  }
}

/** The backend's sources. */
function sources() {
  const backend = join(native, 'backends', 'cuda');
  const files = readdirSync(backend, { recursive: true })
    .filter((name) => /\.(cc|cu)$/.test(name))
    .map((name) => join(backend, name));
  return [...files, join(native, 'core', 'graph.cc')].sort();
}

/** Sources of so many bytes are compiled as one: enough to share headers, few enough to keep all cores busy. */
const UNIT_BYTES = { cc: 40_000, cu: 18_000 };

/** Whether a source takes the names of a namespace for its own: behind another source they might be others' names. */
const stayAlone = (file) => /^ *using namespace/m.test(readFileSync(file, 'utf8'));

/** What is compiled as one: `files` of one kind, in units of UNIT_BYTES but for those that stay alone. */
function units() {
  const all = [];
  for (const [kind, most] of Object.entries(UNIT_BYTES)) {
    let filling;
    for (const file of sources().filter((name) => name.endsWith(kind))) {
      const { size } = statSync(file);
      const alone = stayAlone(file);
      let unit = alone ? undefined : filling;
      if (unit === undefined || unit.bytes + size > most) {
        unit = { kind, files: [], bytes: 0 };
        all.push(unit);
        if (!alone) filling = unit;
      }
      unit.files.push(file);
      unit.bytes += size;
    }
  }
  return all;
}

/** Writes a file for each unit, named after the first of the sources that it includes; returns units with its path. */
function writeUnits() {
  const folder = join(objects, 'units');
  mkdirSync(folder, { recursive: true });
  const written = units().map(({ files, ...unit }) => {
    const names = files.map((file) => relative(native, file));
    const source = join(folder, names[0].replaceAll('/', '-'));
    const text = names.map((name) => `#include "${name}"\n`).join('');
    // One that stays as it is keeps its time, and with it its object.
    if (!existsSync(source) || readFileSync(source, 'utf8') !== text) writeFileSync(source, text);
    return { ...unit, files, source };
  });
  const known = new Set(written.map(({ source }) => basename(source)));
  for (const name of readdirSync(folder)) {
    if (!known.has(/^.*?\.(cc|cu)/.exec(name)?.[0])) rmSync(join(folder, name), { recursive: true });
  }
  // The slowest first, so that the last one does not run alone.
  const weight = ({ kind, bytes }) => bytes * (kind === 'cu' ? 5 : 1);
  return written.sort((one, other) => weight(other) - weight(one));
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/** What tells the addon whether the library was built from the same headers: the text that plugin_build.cmake makes. */
function pluginBuild() {
  const recipe = readFileSync(join(native, 'plugin_build.cmake'), 'utf8');
  const [, headers] = /set\(plugin_headers ([^)]+)\)/.exec(recipe);
  return sha256(
    headers
      .split(' ')
      .map((header) => sha256(readFileSync(join(native, header))))
      .join(''),
  );
}
const definitions = [`-DSENET_PLUGIN_BUILD="${pluginBuild()}"`];

/** The folder for what nvcc and the assembler tell of a kernel's object. */
const reportOf = (object) => `${object}.report`;

/** Options of both compilers. What is to be seen from outside says so; everything else is hidden. */
function compileCommand(source, object, { toolkit, cudnn }) {
  const common = ['-std=c++20', '-O3', '-DNDEBUG', `-I${native}`, '-MMD', '-MF', `${object}.d`];
  if (source.endsWith('.cu')) {
    // One PTX, which newer GPUs compile when they first load it; no kernel uses what only later architectures have.
    const architectures = ['-gencode=arch=compute_80,code=[sm_80,sm_90,compute_80]'];
    const host = ['-Xcompiler', '-fPIC,-fvisibility=hidden'];
    const report = ['-Xptxas', '-v', '--keep', '--keep-dir', reportOf(object)];
    return [toolkit.nvcc, ...common, ...host, ...architectures, ...report, '-c', source, '-o', object];
  }
  const includes = [cudnn.include, toolkit.include].flatMap((folder) => ['-isystem', folder]);
  // GCC 12 warns of overlapping copies inside std::string, where there are none.
  const options = [
    '-fPIC',
    '-fvisibility=hidden',
    '-Wall',
    '-Wextra',
    '-Wno-restrict',
    ...definitions,
    ...includes,
  ];
  return ['g++', ...common, ...options, '-c', source, '-o', object];
}

/**
 * CUDA's runtime is part of the library, so that no other one is mistaken for it. cuDNN is asked for by its name: the
 * addon has opened the one it found before, and the loader takes that.
 */
function linkCommand(parts, library, { toolkit, cudnn }) {
  return [
    ...['g++', '-shared', '-Wl,-z,defs,-z,nodelete', '-Wl,--exclude-libs,ALL', '-o', library, ...parts],
    ...[`-L${dirname(cudnn.library)}`, '-l:libcudnn.so.9', `-L${toolkit.lib}`, '-lcudart_static'],
    ...['-ldl', '-lrt', '-lpthread'],
  ];
}

/** The files that a compiler says it has read. */
function dependenciesOf(file) {
  const [, list] = readFileSync(file, 'utf8').replaceAll('\\\n', ' ').split(/:\s/, 2);
  return list.split(/(?<!\\)\s+/).flatMap((name) => (name === '' ? [] : [name.replaceAll('\\ ', ' ')]));
}

/**
 * Whether a product was made by this command after all that it was made of was last changed. If so, what the command
 * said then is shown again: no warning is lost because its object is kept.
 */
function isCurrent(product, command) {
  const record = `${product}.json`;
  if (!existsSync(product) || !existsSync(record)) return false;
  const known = JSON.parse(readFileSync(record, 'utf8'));
  const current =
    known.command === command &&
    known.messages !== undefined &&
    known.inputs.every(
      (file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < known.began,
    );
  if (current) process.stderr.write(known.messages);
  return current;
}

/** Moves the assembler's report from a compiler's messages to a file, and removes what nvcc keeps besides PTX. */
function takeReport(object, messages) {
  const folder = reportOf(object);
  const lines = /^(ptxas info .*| +\d+ bytes stack frame, .*)\n/gm;
  for (const name of readdirSync(folder)) if (!name.endsWith('.ptx')) rmSync(join(folder, name));
  writeFileSync(join(folder, 'ptxas.txt'), (messages.match(lines) ?? []).join(''));
  return messages.replace(lines, '');
}

/** Runs a command that makes a product; its messages are shown, and failure ends the build. */
async function make(product, command, versions, inputsOf) {
  const began = Date.now();
  const [program, ...args] = command;
  let messages;
  try {
    const { stdout, stderr } = await run(program, args, { maxBuffer: 1 << 26 });
    messages = stdout + stderr;
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    fail(`${program} failed: ${error.code ?? error.signal}`, command.join(' '));
  }
  if (existsSync(reportOf(product))) messages = takeReport(product, messages);
  process.stderr.write(messages);
  const record = { command: versions + command.join(' '), began, inputs: inputsOf(), messages };
  writeFileSync(`${product}.json`, JSON.stringify(record));
  return (Date.now() - began) / 1000;
}

async function compileAll(jobs, versions) {
  const waiting = jobs.filter(({ object, command }) => !isCurrent(object, versions + command.join(' ')));
  const total = waiting.length;
  let done = 0;
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { kind, files, object, command } = job;
      rmSync(reportOf(object), { recursive: true, force: true });
      if (kind === 'cu') mkdirSync(reportOf(object));
      const seconds = await make(object, command, versions, () => dependenciesOf(`${object}.d`));
      done += 1;
      const names = files.map((file) => basename(file)).join(', ');
      console.log(`[${done}/${total}] ${names}: ${seconds.toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

/** Waits until no other build works on these objects. One at a time can have the name; the system frees it. */
async function takeTurn() {
  const name = `\0senet-cuda-${sha256(objects)}`;
  for (let tries = 0; ; tries += 1) {
    const server = createServer().listen(name).unref();
    try {
      return await once(server, 'listening');
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
    }
    if (tries === 0) console.log('Waiting for another build');
    await setTimeout(200);
  }
}

const { values: options } = parseArgs({ options: { library: { type: 'string' } } });
const library = resolve(options.library ?? join(root, 'build', 'Release', 'senet_cuda.so'));
const cuda = findCuda();
if (cuda.missing.length > 0)
  fail(...cuda.missing.map(({ what, looked, advice }) => `no ${what}: ${looked}; ${advice}`));
const { toolkit, cudnn } = cuda;
console.log(`CUDA ${toolkit.version} in ${toolkit.root}, cuDNN ${cudnn.version} in ${cudnn.include}`);

const versions = `g++ ${hostCompiler()}, CUDA ${toolkit.version}, cuDNN ${cudnn.version}: `;
await takeTurn();
const jobs = writeUnits().map((unit) => {
  const object = `${unit.source}.o`;
  return { ...unit, object, command: compileCommand(unit.source, object, cuda) };
});
await compileAll(jobs, versions);

const parts = jobs.map(({ object }) => object).sort();
const command = linkCommand(parts, library, cuda);
if (!isCurrent(library, versions + command.join(' '))) {
  mkdirSync(dirname(library), { recursive: true });
  await make(library, command, versions, () => parts);
}
console.log(library);
