// Bytes that kernels read and write, counted by the simulated GPU: a tail relu(SE(BN(x)) + identity) in training, and
// the norms of a network around one bottleneck or one inverted residual block; each with squeeze-and-excitation and
// without. Needs no GPU. In maps: a
// kernel that reads every element of one map once has read 1.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SHAPE = [4, 56, 56, 64];
const elements = SHAPE.reduce((a, b) => a * b);

/** The backend on the simulated GPU, built so that accesses are counted. */
function buildLibrary() {
  const folder = join(root, 'build/cuda-sim/tsan');
  mkdirSync(folder, { recursive: true });
  const configure = `cmake -S '${root}native/backends/cuda_sim' -B '${folder}' -DSENET_SIM_MODE=tsan`;
  const build = `cmake --build '${folder}' --target senet_cuda_sim_traffic --parallel 2`;
  // The tests build it as well.
  execFileSync('flock', [join(folder, 'lock'), 'sh', '-c', `${configure} && ${build}`], { stdio: 'pipe' });
  return join(folder, 'senet_cuda_sim_traffic.so');
}

/** What each kernel has moved in one run of a work in contenders/traffic.mjs. */
function count(library, { work, precision, se }) {
  const folder = mkdtempSync(join(tmpdir(), 'senet-traffic-'));
  const file = join(folder, 'traffic.json');
  const script = join(root, 'bench/contenders/traffic.mjs');
  const args = [
    '--work',
    work,
    '--shape',
    SHAPE.join(','),
    '--precision',
    precision,
    ...(se ? ['--se'] : []),
  ];
  try {
    execFileSync(process.execPath, [script, ...args], {
      env: { ...process.env, SENET_CUDA_LIBRARY: library, SENET_SIM_TRAFFIC: file },
    });
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const isOfNorm = (kernel) => /^(norm_tail|norm_activation|excite)/.test(kernel);
const sum = (list) => list.reduce((a, b) => a + b, 0);
const rounded = (maps) => Number(maps.toFixed(4));

/** A line for each kernel and one for all of them. */
function table(library, work, precision) {
  const map = elements * (precision === 'float32' ? 4 : 2);
  const [plain, se] = [false, true].map((each) => count(library, { work, precision, se: each }));
  const line = (kernel, of) => ({
    measure: `traffic of a ${work}, ${SHAPE.join('x')}, ${precision}, in maps`,
    kernel,
    read: rounded(of(plain, 'uniqueRead') / map),
    written: rounded(of(plain, 'uniqueWritten') / map),
    seRead: rounded(of(se, 'uniqueRead') / map),
    seWritten: rounded(of(se, 'uniqueWritten') / map),
  });
  const kernels = Object.keys(se).filter(isOfNorm);
  const all = (counts, what) => sum(kernels.map((kernel) => counts[kernel]?.[what] ?? 0));
  return [
    ...kernels.map((kernel) => line(kernel, (counts, what) => counts[kernel]?.[what] ?? 0)),
    line('all of these', all),
  ];
}

/** Lines for each kernel, or one that says why there are none. */
export function measureTraffic() {
  let library;
  try {
    library = buildLibrary();
  } catch (error) {
    return [{ measure: 'traffic', skipped: `the simulated GPU cannot be built: ${error.message}` }];
  }
  return ['tail', 'block', 'inverted'].flatMap((work) =>
    ['float32', 'bfloat16'].flatMap((precision) => table(library, work, precision)),
  );
}
