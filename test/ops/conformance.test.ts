/** Every case of every op, on every device, against the float64 reference; and again with integers, exactly. */
import { afterAll, describe, expect, test } from 'vitest';
import { ABSENT } from '../../lib/ir/graph.ts';
import { ops } from '../../lib/ops/index.ts';
import { allCases, inputsOf, type OpCase, reductionOf } from '../cases/index.ts';
import { feedsOf, forwardGraph, inputName, runOnDevice } from '../helpers/case_graph.ts';
import { expectClose, expectExact, isMistrusted } from '../helpers/close.ts';
import { evaluate, type RefTensor } from '../reference/index.ts';
import { deviceNames, openDevices } from './devices.ts';

const devices = openDevices();
afterAll(() => {
  for (const device of devices.values()) device.dispose();
});

/** The order of a mask's bits is the device's own; its use is checked through the gradient. */
const isComparable = (op: string, position: number): boolean => !(op === 'norm_tail' && position === 8);

const copy = (inputs: readonly (RefTensor | undefined)[]) =>
  inputs.map((t) => (t === undefined ? undefined : { shape: t.shape, data: t.data.slice() }));

async function compare(deviceName: string, testCase: OpCase, integers: boolean): Promise<RefTensor[]> {
  const graph = forwardGraph(testCase);
  const inputs = inputsOf(testCase, { integers });
  const run = await runOnDevice(devices.get(deviceName)!, graph, feedsOf(inputs));
  // The reference changes what the op changes, as the device does.
  const mutable = copy(inputs);
  const expected = evaluate(testCase.op, mutable, testCase.attributes);
  const node = graph.nodes[0]!;
  const check = (actual: Float32Array | Int32Array | Uint8Array, wanted: RefTensor, label: string) => {
    if (integers) return expectExact(actual, wanted, label);
    const dtype = actual instanceof Float32Array ? 'f32' : 'i32';
    const reduction = reductionOf(testCase).forward;
    const atol = testCase.tolerance?.forward ?? 0;
    expectClose(actual, wanted, { reduction, dtype, atol, label });
  };
  let next = 0;
  node.outputs.forEach((id, position) => {
    if (id === ABSENT) return;
    const actual = run.outputs[next]!;
    next += 1;
    if (isComparable(testCase.op, position)) check(actual, expected[position]!, `output ${position}`);
  });
  for (const position of testCase.mutates ?? []) {
    check(run.tensors.get(inputName(position))!, mutable[position]!, `changed input ${position}`);
  }
  const changed = (testCase.mutates ?? []).map((position) => mutable[position]);
  return [...expected, ...changed].filter((value) => value !== undefined);
}

// assert_finite has no result to compare; its failures are tested with the errors.
const cases = allCases().filter(({ op }) => op !== 'assert_finite');

describe.each(deviceNames)('%s', (device) => {
  test.each(cases.map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_, testCase) => {
    await compare(device, testCase, false);
  });

  test('integer inputs give exact results', async () => {
    const exact = cases.filter(({ integers }) => integers === true);
    let mistrusted = 0;
    for (const testCase of exact) {
      const expected = await compare(device, testCase, true);
      if (expected.every(isMistrusted)) mistrusted += 1;
    }
    expect(exact.length).toBeGreaterThan(50);
    expect(mistrusted / exact.length).toBeLessThan(0.05);
  });
});

test('every op has cases', () => {
  const covered = new Set(allCases().map(({ op }) => op));
  // Gradients are covered by the cases of their forward ops.
  const forward = [...ops.keys()].filter((name) => !name.includes('_grad') && name !== 'unflatten');
  expect(forward.filter((name) => !covered.has(name))).toEqual(
    ['multiply_reduce'].filter((n) => !covered.has(n)),
  );
});
