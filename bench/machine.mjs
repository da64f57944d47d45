// Where and with what results came about, and which cores contenders are pinned to.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function output(program, ...args) {
  try {
    return execFileSync(program, args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

/** `0-3,8` as numbers. */
export const parseCpuList = (text) =>
  text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });

/** The first cpu of each core that this process may use; on a machine with two threads a core, every second one. */
function coresAllowed() {
  const allowed = parseCpuList(
    /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1],
  );
  const first = (cpu) => {
    try {
      const siblings = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
      return parseCpuList(readFileSync(siblings, 'utf8')).find((other) => allowed.includes(other));
    } catch {
      return cpu;
    }
  };
  return allowed.filter((cpu) => first(cpu) === cpu);
}

/** The cpus that so many threads get, or null where processes cannot be pinned or there are too few cores. */
export function pinnedCpus(threads) {
  if (process.platform !== 'linux' || output('taskset', '--version') === undefined) return null;
  const cores = coresAllowed();
  return cores.length < threads ? null : cores.slice(0, threads);
}

/** What is written beside results; nothing in it names a user, a host or a folder. */
export async function describeMachine(threads) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const { listDevices } = await import('../dist/index.js');
  const devices = await listDevices();
  return {
    machine: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    senet: version,
    commit: output('git', 'rev-parse', '--short=12', 'HEAD') ?? 'unknown',
    ...(output('git', 'status', '--porcelain') && { changed: true }),
    devices: devices.map(({ name, description }) => `${name}: ${description}`),
    threads,
    cpus: pinnedCpus(threads),
    load: Number(loadavg()[0].toFixed(2)),
    date: new Date().toISOString(),
  };
}
