// Bytes on disk of what has to be installed: the package, everything it depends on, and native libraries. Node and Python
// themselves are left out.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sum } from '../statistics.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tfjs = join(root, 'bench/peers/tfjs');

/** Bytes of a file, or of the files below a folder; packages of their own in it are counted by who needs them. */
export function bytesOf(path) {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return 0;
  if (!status.isDirectory()) return status.size;
  const entries = readdirSync(path).filter((name) => name !== 'node_modules');
  return sum(entries.map((name) => bytesOf(join(path, name))));
}

/** The folder of a package as one in `from` would find it. */
function findPackage(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Folders of a package and all it depends on; optional ones where they are installed, but for optional peers. */
export function closureOf(name, from, found = new Set()) {
  const folder = findPackage(name, from);
  if (folder === undefined || found.has(folder)) return found;
  found.add(folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta = {} } = manifest;
  const peers = Object.keys(peerDependencies ?? {}).filter((each) => !peerDependenciesMeta[each]?.optional);
  for (const each of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers])
    closureOf(each, folder, found);
  return found;
}

const packageBytes = (name, from) => sum([...closureOf(name, from)].map(bytesOf));

/** The shared libraries of those names that a binary loads. */
function libraryBytes(binary, pattern) {
  const lines = execFileSync('ldd', [binary], { encoding: 'utf8' }).split('\n');
  const files = lines.map((line) => /=> (\S+)/.exec(line)?.[1]).filter((file) => file && pattern.test(file));
  return sum(files.map((file) => statSync(realpathSync(file)).size));
}

function senetBytes() {
  const { files, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pathsOf = (pattern) =>
    files.filter((name) => pattern.test(name)).map((name) => join(root, name.replace('!', '')));
  const bytesOfAll = (paths) => sum(paths.filter(existsSync).map(bytesOf));
  const installed = new Set();
  for (const name of Object.keys(dependencies)) closureOf(name, root, installed);
  const addon = join(root, 'build/Release/senet.node');
  return sum([
    // Patterns stand for some pages of text.
    bytesOfAll(pathsOf(/^[^!*]+$/)) - bytesOfAll(pathsOf(/^![^*]+$/)),
    ...[...installed].map(bytesOf),
    statSync(addon).size,
    libraryBytes(addon, /dnnl|gomp/),
  ]);
}

/** Of torch and what it requires, by the file lists of the installed distributions. */
function pytorchBytes(python) {
  const script = `
import importlib.metadata as m, os, re
seen, total = set(), 0
def add(name):
    global total
    name = re.split(r"[^A-Za-z0-9_.-]", name)[0].lower().replace("_", "-")
    if name in seen: return
    try: d = m.distribution(name)
    except m.PackageNotFoundError: return
    seen.add(name)
    total += sum(os.path.getsize(p) for p in map(d.locate_file, d.files or []) if os.path.exists(p))
    for r in d.requires or []:
        if "extra ==" not in r: add(r)
add("torch")
print(total)`;
  return Number(execFileSync(python, ['-c', script], { encoding: 'utf8' }));
}

const sizes = {
  senet: senetBytes,
  'onnxruntime-node': () => packageBytes('onnxruntime-node', root),
  'pytorch eager': ({ python }) => pytorchBytes(python),
  'tfjs-node': () =>
    packageBytes('@tensorflow/tfjs-node', tfjs) +
    libraryBytes(
      join(tfjs, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node'),
      /tensorflow/,
    ),
  'tfjs-wasm': () => packageBytes('@tensorflow/tfjs-backend-wasm', tfjs),
  'tfjs-cpu': () => packageBytes('@tensorflow/tfjs', tfjs),
};

export function measureInstallSize(session) {
  const [suite, measure] = ['install-size', 'install size'];
  for (const { name, absent } of session.contenders) {
    if (sizes[name] === undefined || !session.wants(measure, name)) continue;
    const found =
      absent === undefined ? { unit: 'bytes', value: sizes[name](session.options) } : { skipped: absent };
    session.say({ suite, measure, contender: name, ...found });
  }
}
