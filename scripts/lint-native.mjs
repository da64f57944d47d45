/** Checks the C++ sources of the addon with clang-tidy (.clang-tidy says for what), on all cores. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
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
    ],
    `-DCMAKE_JS_INC=${headers.join(';')}`,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
if (configured.status !== 0) process.exit(1);

const files = readdirSync(join(root, 'native'), { recursive: true })
  .filter((name) => /^(addon|core|images|backends\/cpu)\/.*\.cc$/.test(name))
  .map((name) => join(root, 'native', name))
  .sort();

/** Checks files until none is left; resolves to whether all were clean. */
async function worker() {
  let clean = true;
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const child = spawn('clang-tidy', ['-p', database, '--quiet', file], {
      // The error stream only counts the warnings of other people's headers.
      stdio: ['ignore', 'inherit', 'ignore'],
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
    clean &&= status === 0;
  }
  return clean;
}

const results = await Promise.all(Array.from({ length: availableParallelism() }, worker));
process.exit(results.every(Boolean) ? 0 : 1);
