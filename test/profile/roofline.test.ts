/** Profiles against what a machine reaches at most, as tables and as traces. */
import { describe, expect, test } from 'vitest';
import { formatProfile, measurePeak, profileTrace, type StepProfile } from '../../lib/index.ts';
import { boundOf, leastMs } from '../../lib/profile/peak.ts';

const peak = { bandwidth: 1e10, flops: 1e11 };

const step = (fields: Partial<StepProfile>): StepProfile => ({
  ...{ op: 'relu', layer: 'a', implementation: 'own', constant: false, bytes: 0, flops: 0, ms: 1 },
  ...fields,
});

const steps = [
  step({ op: 'conv2d', layer: 'conv1', implementation: 'jit:avx2', bytes: 2e6, flops: 1e8, ms: 2 }),
  step({ op: 'fold', layer: 'conv1', constant: true, ms: 100 }),
  step({ op: 'relu', layer: 'relu1', bytes: 8e6, ms: 1 }),
  step({ op: 'conv2d', layer: 'conv2', implementation: 'winograd', bytes: 1e6, flops: 3e8, ms: 5 }),
];

test('the roof is that of the bytes or of the operations, whichever is lower', () => {
  expect(leastMs(steps[0]!, peak)).toBeCloseTo(1, 12);
  expect([boundOf(steps[0]!, peak), boundOf(steps[2]!, peak)]).toEqual(['compute', 'memory']);
  expect(leastMs(steps[2]!, peak)).toBeCloseTo(0.8, 12);
});

describe('as a table', () => {
  test('with a peak', () => {
    expect(formatProfile(steps, { peak, top: 2 })).toBe(
      [
        'op      steps     ms    share  GFLOP/s  GB/s  of roof',
        'conv2d      2  7.000   87.5 %     57.1   0.4   57.1 %',
        'relu        1  1.000   12.5 %            8.0   80.0 %',
        'all         3  8.000  100.0 %     50.0   1.4   60.0 %',
        '',
        'slowest steps  op         ms   share  GFLOP/s  GB/s  of roof  bound    implementation',
        'conv2          conv2d  5.000  62.5 %     60.0   0.2   60.0 %  compute  winograd',
        'conv1          conv2d  2.000  25.0 %     50.0   1.0   50.0 %  compute  jit:avx2',
      ].join('\n'),
    );
  });

  test('without', () => {
    const text = formatProfile(steps);
    expect(text).not.toMatch(/roof|bound/);
    expect(text.split('\n').length).toBe(4 + 1 + 4);
  });

  test('of nothing', () => {
    expect(formatProfile([], { peak })).toMatch(/^op .*\nall +0 +0\.000/);
  });
});

test('as a trace: the steps one after the other, in microseconds', () => {
  const { traceEvents } = profileTrace(steps);
  expect(traceEvents.map(({ name, cat, ts, dur }) => [name, cat, ts, dur])).toEqual([
    ['conv1', 'conv2d', 0, 2000],
    ['relu1', 'relu', 2000, 1000],
    ['conv2', 'conv2d', 3000, 5000],
  ]);
  expect(traceEvents[0]!.args).toEqual({
    ...{ op: 'conv2d', layer: 'conv1', implementation: 'jit:avx2', bytes: 2e6, flops: 1e8 },
  });
});

test('a peak is measured beside JavaScript’s thread', async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 5);
  const { bandwidth, flops } = await measurePeak({ threads: 1 });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
  // No machine that runs this is outside of these.
  expect(bandwidth).toBeGreaterThan(2e8);
  expect(bandwidth).toBeLessThan(1e12);
  expect(flops).toBeGreaterThan(1e9);
  expect(flops).toBeLessThan(1e12);
  await expect(measurePeak({ threads: 0 })).rejects.toThrow(/threads/);
});
