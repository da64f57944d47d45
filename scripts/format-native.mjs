/** Formats the C++ sources with clang-format; with --check only says what is not formatted. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const files = readdirSync(native, { recursive: true })
  .filter((name) => /\.(cc|h)$/.test(name))
  .map((name) => join(native, name));
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { status, error } = spawnSync('clang-format', [...mode, ...files], { stdio: 'inherit' });
if (error) console.error('clang-format is needed to format C++: apt-get install clang-format');
process.exit(status ?? 1);
