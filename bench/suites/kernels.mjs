// The kernels of SE-ResNet-50 by themselves: GFLOP/s and GB/s, and how near that is to what the machine can do at most.
import { measurePeak } from '../../dist/index.js';
import { start } from '../contenders/index.mjs';
import { stopAll } from '../contest.mjs';
import { interleave } from '../harness.mjs';
import { kernelSpecs } from '../kernel_shapes.mjs';
import { note } from '../session.mjs';
import { median, ratiosOf, summary } from '../statistics.mjs';

/** Largest difference in a sample of the result, as a share of its largest value. */
const TOLERANCE = 2e-3;

/** Kernels of fewer milliseconds than this are done before threads of the last contender have stopped spinning. */
const SHORT_MS = 5;

/** How long a turn is, by what the contenders needed when they were warm. */
function turnOf(opened) {
  const isShort = opened.some(({ info }) => info.warmMs < SHORT_MS);
  return isShort ? { perTurn: 11, drop: 3, pauseMs: 200 } : { perTurn: 3, pauseMs: 20 };
}

/** Undefined where a result is the expected one. */
export function sampleDifference(found, expected) {
  if (found.length !== expected.length) return `${found.length} values, ${expected.length} are expected`;
  const scale = Math.max(...expected.sample.map(Math.abs));
  const off = Math.max(...found.sample.map((value, i) => Math.abs(value - expected.sample[i])));
  return off <= TOLERANCE * scale ? undefined : `differs by ${(off / scale).toPrecision(2)} of its size`;
}

/** Opens a kernel in all processes; those that cannot, or differ from the first, are reported. */
async function openKernel(session, processes, measure, spec) {
  const opened = [];
  let expected;
  for (const process of processes) {
    if (!session.wants(measure, process.name)) continue;
    let answer;
    try {
      answer = await process.ask(`open ${JSON.stringify(spec)}`);
    } catch (error) {
      answer = { skipped: error.message };
    }
    expected ??= answer.sample && answer;
    const skipped = answer.skipped ?? sampleDifference(answer, expected);
    if (skipped !== undefined) session.say({ suite: 'kernels', measure, contender: process.name, skipped });
    else {
      process.info = { ...process.info, warmMs: answer.warmMs };
      opened.push(process);
    }
  }
  return opened;
}

/** Rates of a time, and the share that the machine's peak needs of it at least. */
export function ratesOf({ flops, bytes }, ms, peak) {
  const least = 1e3 * Math.max(flops / peak.flops, bytes / peak.bandwidth);
  return {
    ...(flops > 0 && { gflops: flops / ms / 1e6 }),
    gbPerSecond: bytes / ms / 1e6,
    shareOfPeak: least / ms,
  };
}

async function measureKernel(session, processes, spec, peak) {
  const { quick, rounds, threads } = session.options;
  const measure = `${spec.name}, batch ${spec.n}`;
  const opened = await openKernel(session, processes, measure, spec);
  if (opened.length === 0) return;
  note(`kernels: ${measure}`);
  const { times, failures } = await interleave(opened, {
    rounds,
    ...turnOf(opened),
    ...(quick && { perTurn: 1 }),
  });
  const [{ name: first }] = opened;
  // Between kernels the machine's speed changes; within one it is the roof of now that counts.
  const now = quick ? peak : await measurePeak({ threads });
  for (const { name, info } of opened) {
    const result = { suite: 'kernels', measure, contender: name };
    if (name in failures) session.say({ ...result, skipped: failures[name] });
    else
      session.say({
        ...{ ...result, version: info.version, unit: 'ms', ...summary(times[name]) },
        ...{ kind: spec.kind, direction: spec.direction, ...ratesOf(spec, median(times[name]), now) },
        ...(name !== first && { toFirst: median(ratiosOf(times[name], times[first])), first }),
      });
  }
}

export async function measureKernels(session) {
  const { quick, threads } = session.options;
  const suite = 'kernels';
  const measure = 'kernels of se_resnet50';
  const without = ({ name, kernels }) => {
    if (kernels === undefined) return 'has no kernels of its own in this suite';
    return name === 'tfjs-cpu' && !quick ? 'tfjs-cpu takes minutes for one of these' : undefined;
  };
  const specs = kernelSpecs(quick ? 1 : 16, quick);
  const taking = session.contenders.filter((contender) => {
    if (!specs.some(({ name, n }) => session.wants(`${name}, batch ${n}`, contender.name))) return false;
    const skipped = contender.absent ?? without(contender);
    if (skipped !== undefined) session.say({ suite, measure, contender: contender.name, skipped });
    return skipped === undefined;
  });
  const processes = taking.map((contender) =>
    start(contender, [...contender.kernels, '--threads', `${threads}`], threads),
  );
  try {
    for (const process of processes) await process.ready();
    const peak = await measurePeak({ threads });
    session.say({ suite, measure: 'peak of the machine', contender: 'machine', ...peakFields(peak) });
    for (const spec of specs) await measureKernel(session, processes, spec, peak);
  } finally {
    await stopAll(processes);
  }
}

export const peakFields = ({ flops, bandwidth }) => ({
  unit: 'GFLOP/s',
  value: flops / 1e9,
  gbPerSecond: bandwidth / 1e9,
});
