/**
 * Checks the C++ sources on all cores: those of the addon with clang-tidy (.clang-tidy says for what), and those and
 * the CUDA backend's for having each what it uses of this project, as builds compile several as one. clang-tidy looks at
 * several files at once, as most of its time goes into the headers that they share, and then at each of those in which
 * something was found.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const database = join(root, 'build', 'tidy');
const { resolve } = createRequire(import.meta.url);
const headers = [dirname(resolve('node-addon-api')), join(dirname(resolve('node-api-headers')), 'include')];

// clang-tidy compiles nothing, but has to know how each file would be compiled.
const configured = spawnSync(
  'cmake',
  [
    ...[
      '-S',
      root,
      '-B',
      database,
      '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON',
      '-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON',
      '-DCMAKE_UNITY_BUILD=OFF',
    ],
    `-DCMAKE_JS_INC=${headers.join(';')}`,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
if (configured.status !== 0) process.exit(1);

const entries = JSON.parse(readFileSync(join(database, 'compile_commands.json'), 'utf8'))
  .filter(({ file }) => file.startsWith(join(root, 'native')))
  .sort((a, b) => (a.file < b.file ? -1 : 1));

const isOfAddon = (file) => file.startsWith(join(root, 'native/addon'));

/** Runs a program; resolves to its status and to all that it printed. */
async function run(program, args, stderr = 'ignore') {
  const child = spawn(program, args, { cwd: database, stdio: ['ignore', 'pipe', stderr] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const status = await new Promise((done) => {
    child.on('error', () => done(undefined)).on('close', done);
  });
  if (status === undefined) {
    console.error(
      "clang-tidy is needed to check C++: apt-get install clang-tidy libomp-dev (for clang's omp.h)",
    );
    process.exit(1);
  }
  return { clean: status === 0, output };
}

/**
 * Precompiles the headers that a CMake file lists for that, so that those of C++ are read once.
 *
 * @returns what reads a source behind them, beside `options`
 */
function precompile(recipe, list, name, options) {
  const [, headers] = list.exec(readFileSync(recipe, 'utf8'));
  const header = join(database, `${name}.h`);
  writeFileSync(header, headers.replaceAll(/\s*(<\S+>)/g, '#include $1\n'));
  const made = spawnSync('g++', [...options, '-x', 'c++-header', header, '-o', `${header}.gch`], {
    stdio: 'inherit',
  });
  if (made.status !== 0) process.exit(1);
  return ['-fsyntax-only', '-include', header, '-x', 'c++'];
}

const reads = (options, file) => async () => (await run('g++', [...options, file], 'inherit')).clean;

/** Checks that sources of the addon have what they use of this project. */
function hostChecks() {
  const list = /^target_precompile_headers\(senet_native PRIVATE ([^)]+)\)/m;
  const optionsOf = ({ command }) =>
    command.match(/(?<= )-(?:[DIO]|std|march|f)\S+/g).map((option) => option.replaceAll('\\"', '"'));
  const core = optionsOf(entries.find(({ file }) => !isOfAddon(file)));
  const behind = precompile(join(root, 'CMakeLists.txt'), list, 'host', core);
  return entries.map((entry) => reads([...optionsOf(entry), ...behind], entry.file));
}

/** The same for the CUDA backend's, with the simulator's headers. */
function cudaChecks() {
  const backend = join(root, 'native/backends/cuda');
  const sim = join(root, 'native/backends/cuda_sim');
  const compile = ['-std=c++20', `-I${sim}/shadow`, `-I${sim}/include`, `-I${root}/native`];
  const list = /^set\(precompiled ([^)]+)\)/m;
  const behind = precompile(join(sim, 'CMakeLists.txt'), list, 'cuda', compile);
  const options = [...compile, '-DSENET_PLUGIN_BUILD=""', ...behind];
  return readdirSync(backend, { recursive: true })
    .filter((name) => /\.(cc|cu)$/.test(name))
    .map((name) => reads(options, join(backend, name)));
}

// Without the error stream, which only counts the warnings of other people's headers.
const tidy = (file, folder) => run('clang-tidy', ['-p', folder, '--quiet', file]);

async function isTidy({ file }) {
  const { clean, output } = await tidy(file, database);
  if (!clean) console.log(output);
  return clean;
}

/** Checks files as one, and one by one when that finds anything: names of one may only be in the way of another. */
async function areTidy(files, name) {
  const folder = join(database, name);
  const unit = join(folder, `${name}.cc`);
  const texts = files.map(({ file }) => readFileSync(file, 'utf8'));
  const [{ command, file }] = files;
  mkdirSync(folder, { recursive: true });
  writeFileSync(unit, texts.join('\n'));
  writeFileSync(
    join(folder, 'compile_commands.json'),
    JSON.stringify([{ directory: database, file: unit, command: command.replaceAll(file, unit) }]),
  );
  if ((await tidy(unit, folder)).clean) return true;
  let clean = true;
  for (const entry of files) clean = (await isTidy(entry)) && clean;
  return clean;
}

// Neighbours, which share names most often, come into different units; and those that know Node into one of their own.
const UNITS = 5;
const units = new Map();
for (const [i, entry] of entries.entries()) {
  const name = isOfAddon(entry.file) ? 'addon' : `native-${i % UNITS}`;
  units.set(name, [...(units.get(name) ?? []), entry]);
}
const jobs = [
  ...[...units].map(
    ([name, files]) =>
      () =>
        areTidy(files, name),
  ),
  ...hostChecks(),
  ...cudaChecks(),
];

/** Does jobs until none is left; resolves to whether all were clean. */
async function worker() {
  let clean = true;
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) clean = (await job()) && clean;
  return clean;
}

const results = await Promise.all(Array.from({ length: availableParallelism() }, worker));
process.exit(results.every(Boolean) ? 0 : 1);
