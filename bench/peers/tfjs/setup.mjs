// Installs TensorFlow.js beside this file, and builds tfjs-node's addon against the TensorFlow of a Python environment, where
// its prebuilt library cannot be downloaded or is older than wanted:
//
//   node bench/peers/tfjs/setup.mjs                            the wasm, webgpu and cpu backends alone
//   node bench/peers/tfjs/setup.mjs --python .venv/bin/python  tfjs-node, too; the Python has tensorflow or tensorflow-cpu
//
// A wheel of TensorFlow holds the C library (in libtensorflow_cc) and its headers. The addon is linked against them where they
// are, so the Python environment has to stay. Its two sources need nothing but g++.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values: options } = parseArgs({ options: { python: { type: 'string' } } });

const run = (program, args, cwd = here) => execFileSync(program, args, { cwd, stdio: 'inherit' });

/** The folder of a Python's TensorFlow, found without importing it. */
function tensorflowOf(python) {
  const script = 'import importlib.util as u; print(u.find_spec("tensorflow").submodule_search_locations[0])';
  try {
    return execFileSync(python, ['-c', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    throw new Error(`--python: expected a Python with tensorflow or tensorflow-cpu, received ${python}`);
  }
}

/** Compiles tfjs-node's addon to where its package looks for it. */
function buildAddon(tensorflow) {
  const modules = join(here, 'node_modules');
  const module = join(modules, '@tensorflow/tfjs-node');
  const out = join(module, 'lib/napi-v8');
  mkdirSync(out, { recursive: true });
  const libraries = readdirSync(tensorflow).filter((name) =>
    /^libtensorflow_(cc|framework)\.so\.2$/.test(name),
  );
  if (libraries.length !== 2)
    throw new Error(`${tensorflow}: expected libtensorflow_cc.so.2 and libtensorflow_framework.so.2`);
  run(
    'g++',
    [
      ...['-O2', '-std=c++17', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
      ...[modules, join(tensorflow, 'include'), join(modules, 'node-api-headers/include')].map(
        (path) => `-I${path}`,
      ),
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc', `-L${tensorflow}`],
      ...libraries.map((name) => `-l:${name}`),
      ...[`-Wl,-rpath,${tensorflow}`, '-o', join(out, 'tfjs_binding.node')],
    ],
    module,
  );
}

run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']);
if (options.python === undefined)
  console.log('wasm, webgpu and cpu are ready; for tfjs-node give --python PYTHON_WITH_TENSORFLOW');
else {
  buildAddon(tensorflowOf(options.python));
  console.log('tfjs-node is ready');
}
