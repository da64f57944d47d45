/** Every case of every op, on every device, against the float64 reference; and again with integers, exactly. */
import { afterAll, describe, expect, test } from 'vitest';
import { ops } from '../../lib/ops/index.ts';
import { allCases } from '../cases/index.ts';
import { isMistrusted } from '../helpers/close.ts';
import { checkForward } from '../helpers/op_checks.ts';
import { closeDevices, deviceNames, openDevices } from './devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

// assert_finite has no result to compare; its failures are tested with the errors.
const cases = allCases().filter(({ op }) => op !== 'assert_finite');

describe.each(deviceNames)('%s', (device) => {
  test.each(cases.map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_, testCase) => {
    await checkForward(devices.get(device)!, testCase);
  });

  test('integer inputs give exact results', async () => {
    const exact = cases.filter(({ integers }) => integers === true);
    let mistrusted = 0;
    for (const testCase of exact) {
      const expected = await checkForward(devices.get(device)!, testCase, { integers: true });
      if (expected.every(isMistrusted)) mistrusted += 1;
    }
    expect(exact.length).toBeGreaterThan(50);
    expect(mistrusted / exact.length).toBeLessThan(0.05);
  });
});

test('every op has cases', () => {
  const covered = new Set(allCases().map(({ op }) => op));
  // Gradients are covered by the cases of their forward ops, loss scaling by test/cuda/loss_scale.test.ts.
  const forward = [...ops.keys()].filter((name) => !/_grad|^unflatten$|^loss_scale/.test(name));
  expect(forward.filter((name) => !covered.has(name))).toEqual(
    ['multiply_reduce'].filter((n) => !covered.has(n)),
  );
});
