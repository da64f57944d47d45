/** norm_activation on maps of 16 bits, on the simulated GPU: its results are rounded once, where they are stored. */
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { gradientPositions } from '../cases/index.ts';
import { cases } from '../cases/norm_activation.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { checkForward, checkGradient } from '../helpers/op_checks.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const kept = { float16: { bits: 11, step: 2 ** -24 }, bfloat16: { bits: 8 } } as const;
const precisions = ['float16', 'bfloat16'] as const;
const devices = new Map<string, Device>();
for (const precision of precisions) devices.set(precision, await Device.open('cuda', { precision }));
afterAll(() => {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
});

describe.each(precisions)('%s', (precision) => {
  test.each(cases.map((c) => [c.name, c] as const))('%s', async (_, testCase) => {
    const device = devices.get(precision)!;
    await checkForward(device, testCase, kept[precision]);
    if (gradientPositions(testCase).length > 0) await checkGradient(device, testCase, kept[precision]);
  });
});
