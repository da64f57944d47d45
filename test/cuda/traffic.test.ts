/**
 * Bytes that programs move, as the benchmark's table has them: a tail in training takes its two passes each way, the
 * norms around a bottleneck or an inverted residual block theirs, and squeeze-and-excitation adds vectors, or behind an
 * activation one pass.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildOnSim } from '../helpers/cuda_sim.ts';

interface Row {
  readonly measure: string;
  readonly kernel: string;
  readonly read: number;
  readonly written: number;
  readonly seRead: number;
  readonly seWritten: number;
}

let rows: readonly Row[] = [];
beforeAll(async () => {
  buildOnSim('traffic', 'senet_cuda_sim');
  const run = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [run, 'traffic']);
  const lines = stdout.trim().split('\n');
  rows = lines.map((line) => JSON.parse(line) as Row).filter(({ kernel }) => kernel !== undefined);
}, 600_000);

const rowOf = (work: string, precision: string, kernel: string): Row =>
  rows.find((row) => row.kernel === kernel && row.measure.includes(`${work}, 4x56x56x64, ${precision}`))!;

/** At most 2 % above: statistics, gates and partial sums. */
function expectMaps(maps: number, expected: number): void {
  expect(maps).toBeGreaterThanOrEqual(expected);
  expect(maps).toBeLessThan(1.02 * expected);
}

describe.each([
  ['float32', 1 / 32],
  ['bfloat16', 1 / 16],
])('%s', (precision, mask) => {
  test.each([
    ['norm_tail_statistics_kernel', 1],
    ['norm_tail_forward_kernel', 2],
    ['norm_tail_sums_kernel', 2 + mask],
    ['norm_tail_backward_kernel', 2 + mask],
  ])('%s reads', (kernel, maps) => {
    expectMaps(rowOf('tail', precision, kernel).read, maps);
    expectMaps(rowOf('tail', precision, kernel).seRead, maps);
  });

  test.each([
    ['norm_tail_forward_kernel', 1 + mask],
    ['norm_tail_backward_kernel', 2],
  ])('%s writes', (kernel, maps) => {
    expectMaps(rowOf('tail', precision, kernel).written, maps);
    expectMaps(rowOf('tail', precision, kernel).seWritten, maps);
  });

  test.each([
    // Forward 4, backward 6; the mask is written once and read twice.
    ['tail', 4 + 6 + 3 * mask],
    // The block's last tail has a shortcut. Stem, and a quarter of its channels twice, have none and find their masks
    // again: three maps forward, five backward.
    ['block', 4 + 6 + 3 * mask + (1 + 2 / 4) * (3 + 5)],
  ])('a %s moves its maps and no more', (work, maps) => {
    const { read, written, seRead, seWritten } = rowOf(work, precision, 'all of these');
    expectMaps(read + written, maps);
    expectMaps(seRead + seWritten, maps);
    // The vectors and weights of four images of 64 channels, counted exactly by the test of the kernels.
    expect(seRead + seWritten - read - written).toBeLessThan(0.003 * maps);
  });

  test('behind an activation SE takes one pass more', () => {
    const { read, written, seRead, seWritten } = rowOf('inverted', precision, 'all of these');
    // Three maps forward and five backward for each norm, the last of which has a shortcut: one more each way.
    expectMaps(read + written, 3 * (3 + 5) + 2);
    expectMaps(seRead + seWritten, 3 * (3 + 5) + 2 + 1);
    expectMaps(rowOf('inverted', precision, 'norm_activation_squeeze_kernel').seRead, 1);
    expect(rowOf('inverted', precision, 'norm_activation_squeeze_kernel').read).toBe(0);
  });
});
