/**
 * Imports a safetensors file of the given size and compares with reading the same bytes plainly: prints the growth of the
 * peak resident memory as a multiple of the file, and the time as a multiple of plain reading's (the least of both, as
 * other processes only add to it).
 *
 * Usage: node import_memory.mjs FOLDER [MEGABYTES] [PAIRS]
 */
import { readFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readStateDict, writeStateDict } from '../../../dist/index.js';

const [folder, megabytes = '100', pairs = '3'] = process.argv.slice(2);
const path = join(folder, 'import.safetensors');
/** As many tensors as an SE-ResNet-50 has. */
const count = 331;
const elements = Math.floor((Number(megabytes) * 1e6) / 4 / count);

/** Peak resident memory of the process, in bytes. */
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;

async function plainRead() {
  const handle = await open(path);
  const { size } = await handle.stat();
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; )
    at += (await handle.read(bytes, at, Math.min(4 << 20, size - at), at)).bytesRead;
  await handle.close();
  return bytes.byteLength;
}

const timed = async (action) => {
  const start = performance.now();
  await action();
  return performance.now() - start;
};

// Written by a process of its own, so that writing leaves no mark on the peak.
if (process.argv[5] !== 'import') {
  const data = new Float32Array(elements).map((_, i) => i);
  const names = Array.from({ length: count }, (_, i) => `layer${i}.weight`);
  await writeStateDict(path, new Map(names.map((name) => [name, { shape: [elements], data }])));
  const { spawnSync } = await import('node:child_process');
  const again = [process.argv[1], folder, megabytes, pairs, 'import'];
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...again], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

const { size } = await stat(path);
globalThis.gc();
const before = process.memoryUsage().rss;
const weights = await readStateDict(path);
const growth = (peak() - before) / size;
if (weights.size !== count) throw new Error(`expected ${count} tensors, received ${weights.size}`);
weights.clear();
const times = { plain: [], imported: [] };
for (let i = 0; i < Number(pairs); i += 1) {
  globalThis.gc();
  times.plain.push(await timed(plainRead));
  globalThis.gc();
  times.imported.push(await timed(() => readStateDict(path)));
}
const ratio = Math.min(...times.imported) / Math.min(...times.plain);
console.log(
  JSON.stringify({ bytes: size, memory: Number(growth.toFixed(3)), time: Number(ratio.toFixed(2)) }),
);
