/**
 * Convolutions by Winograd's algorithm, and their gradients, against the float64 reference: tiles cut off at each place,
 * any padding, channels that fill no panel of the matrix products, and everything that rides on them.
 */
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { conv2dCase, conv2dFusedCase } from '../cases/conv2d.ts';
import { checkForward, checkGradient } from '../helpers/op_checks.ts';

const layouts = ['blocked8', 'channels_last'] as const;
const devices = new Map<string, Device>();
for (const layout of layouts) {
  devices.set(layout, await Device.open('cpu', { layout, convolutions: 'winograd' }));
}
afterAll(() => {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
});

/**
 * The terms that the last transform sums up are larger than what is left of them. For independent values of equal
 * variance, output (i, j) of a tile has k_i^2 k_j^2 times the variance of a direct sum, with
 * k_i^2 = sum_e A[e,i]^2 |G[e]|^2 |B[e]|^2 / 3 over the points of interpolation, whose rows of the matrices are these
 * (see native/backends/cpu/kernels/winograd_transforms.h). The gradient in the weight has less, 6.0.
 */
function amplificationOf(): number {
  const [a, b] = [Math.SQRT1_2, Math.SQRT2];
  const point = (t: number, other: number) => ({
    A: [1, t, t ** 2, t ** 3],
    G: [1, t, t ** 2].map((x) => x / (2 * t ** 2 * (t ** 2 - other ** 2))),
    B: [0, -t * other ** 2, -(other ** 2), t, 1, 0],
  });
  const rows = [
    { A: [1, 0, 0, 0], G: [1, 0, 0], B: [1, 0, -(a ** 2 + b ** 2), 0, 1, 0] },
    ...[point(a, b), point(-a, b), point(b, a), point(-b, a)],
    { A: [0, 0, 0, 1], G: [0, 0, 1], B: [0, 1, 0, -(a ** 2 + b ** 2), 0, 1] },
  ];
  const square = (values: readonly number[]) => values.reduce((sum, x) => sum + x * x, 0);
  const squares = [0, 1, 2, 3].map((i) =>
    rows.reduce((sum, { A, G, B }) => sum + (A[i]! ** 2 * square(G) * square(B)) / 3, 0),
  );
  return Math.max(...squares);
}

const amplification = amplificationOf();
test('wrong options of the CPU are named', async () => {
  const open = (options: object) => Device.open('cpu', options);
  await expect(open({ convolutions: 'fft' })).rejects.toThrow(
    'convolutions: expected auto | direct | winograd',
  );
  await expect(open({ layout: 'rows' })).rejects.toThrow('layout: expected auto | blocked8');
});

test('what cancels is 7.1 times as large as the result', () => expect(amplification).toBeCloseTo(7.125, 10));

const kernel: [number, number] = [3, 3];
const same: [number, number, number, number] = [1, 1, 1, 1];

describe.each(layouts)('%s', (layout) => {
  const device = devices.get(layout)!;

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 13])('a map of %i rows', async (rows) => {
    const conv = { x: [2, rows, 14 - rows, 16] as [number, number, number, number], k: 24, kernel };
    const testCase = conv2dCase(`${rows} rows`, { ...conv, padding: same, bias: true });
    await checkForward(device, testCase, { amplification });
    await checkGradient(device, testCase, { amplification });
  });

  test.each([8, 16, 40, 72, 136, 320])('%i channels, to fewer and to more', async (channels) => {
    for (const k of [8, 56, Math.min(channels, 136)]) {
      const testCase = conv2dCase(`to ${k}`, { x: [1, 6, 7, channels], k, kernel, padding: same });
      await checkForward(device, testCase, { amplification });
      await checkGradient(device, testCase, { amplification });
    }
  });

  test('as many channels as a thread has room for, and a few more', async () => {
    for (const [c, k] of [
      [8, 864],
      [8, 880],
      [864, 8],
      [880, 16],
      [8, 912],
    ] as const) {
      await checkForward(device, conv2dCase(`${c} to ${k}`, { x: [1, 5, 7, c], k, kernel, padding: same }), {
        amplification,
      });
    }
  });

  test('more tiles than are transformed at a time', async () => {
    const testCase = conv2dCase('many tiles', { x: [31, 32, 30, 8], k: 8, kernel, padding: same });
    await checkForward(device, testCase, { amplification });
  });

  test.each([
    { relu: true },
    { residual: true },
    { gate: true, residual: true, relu: true },
    { gate: true, relu: true },
  ])('%o', async (options) => {
    for (const bias of [true, false]) {
      const conv = {
        x: [3, 7, 5, 16] as [number, number, number, number],
        k: 16,
        kernel,
        padding: same,
        bias,
      };
      await checkForward(device, conv2dFusedCase('fused', conv, options), { amplification });
    }
  });

  test('random sizes and paddings', async () => {
    const size = fc.integer({ min: 3, max: 12 });
    const padding = fc.integer({ min: 0, max: 3 });
    const eighths = fc.integer({ min: 1, max: 6 });
    const arbitrary = fc.tuple(
      fc.tuple(fc.integer({ min: 1, max: 3 }), size, size, eighths),
      eighths,
      fc.tuple(padding, padding, padding, padding),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([[n, h, w, c], k, sides, bias]) => {
        const testCase = conv2dCase('random', {
          x: [n, h, w, 8 * c],
          k: 8 * k,
          kernel,
          padding: sides,
          bias,
        });
        await checkForward(device, testCase, { amplification });
        await checkGradient(device, testCase, { amplification });
      }),
      { numRuns: 100, seed: 20260102 },
    );
  });
});
