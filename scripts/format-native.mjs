/** Formats the C++ and CUDA sources with clang-format; with --check only says what is not formatted. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = ['native', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(c|cc|h|cu|cuh)$/.test(name))
    .map((name) => join(root, folder, name)),
);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { status, error } = spawnSync('clang-format', [...mode, ...files], { stdio: 'inherit' });
if (error) console.error('clang-format is needed to format C++: apt-get install clang-format');
process.exit(status ?? 1);
