/** A fused op and its decomposition into plain ops give the same results and gradients on a device. */
import { afterAll, describe, test } from 'vitest';
import { findOp } from '../../lib/ops/index.ts';
import { allCases, gradientPositions } from '../cases/index.ts';
import { checkFused, checkFusedGradient } from '../helpers/op_checks.ts';
import { closeDevices, deviceNames, openDevices } from './devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

const named = allCases()
  .filter(({ op }) => findOp(op).decompose !== undefined)
  .map((c) => [`${c.op}: ${c.name}`, c] as const);

describe.each(deviceNames)('%s', (name) => {
  test.each(named)('forward %s', async (_, testCase) => {
    await checkFused(devices.get(name)!, testCase);
  });

  test.each(named.filter(([, c]) => gradientPositions(c).length > 0))('gradient %s', async (_, testCase) => {
    await checkFusedGradient(devices.get(name)!, testCase);
  });
});
