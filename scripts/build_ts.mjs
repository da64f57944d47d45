/**
 * Compiles lib into dist: TypeScript's compiler writes the types there, and its JavaScript into build/ts, from which each
 * entry of the package becomes a file, with a few for what they share, as reading hundreds of files was two thirds of the
 * time of an import. Source maps lead back to lib.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [compiled, dist] = [join(root, 'build/ts'), join(root, 'dist')];

for (const folder of [compiled, dist]) rmSync(folder, { recursive: true, force: true });
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const options = { cwd: root, stdio: 'inherit' };
if (spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], options).status !== 0)
  process.exit(1);

await build({
  input: {
    index: join(compiled, 'index.js'),
    cli: join(compiled, 'cli/main.js'),
    internals: join(compiled, 'internals.js'),
  },
  platform: 'node',
  // What is installed beside the package, and Node's own.
  external: /^[^./]/,
  plugins: [
    {
      name: 'source-maps',
      load: (id) => ({ code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }),
    },
  ],
  output: { dir: dist, entryFileNames: '[name].js', chunkFileNames: 'shared.js', sourcemap: true },
  logLevel: 'warn',
});
