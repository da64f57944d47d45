/**
 * Gradients of every case: the device against the float64 reference run on the same graph, and that reference, with
 * the gradient rules it follows, against finite differences of the forward op. What shake gives its inputs is no
 * derivative: shake.test.ts has it.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { allCases, gradientPositions, type OpCase } from '../cases/index.ts';
import { forwardGraph, gradientGraph, inputName, SEED } from '../helpers/case_graph.ts';
import { checkGradient, gradientFeeds } from '../helpers/op_checks.ts';
import { Random } from '../helpers/random.ts';
import { interpret, type RefTensor, tensor } from '../reference/index.ts';
import { closeDevices, deviceNames, openDevices } from './devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

const cases = allCases().filter((c) => gradientPositions(c).length > 0);
const named = cases.map((c) => [`${c.op}: ${c.name}`, c] as const);

function randomTensor(shape: readonly number[], random: Random): RefTensor {
  const result = tensor(shape);
  return { shape: result.shape, data: result.data.map(() => Math.fround(random.normal())) };
}

describe.each(deviceNames)('%s', (device) => {
  test.each(named)('%s', async (_, testCase) => {
    await checkGradient(devices.get(device)!, testCase);
  });

  test('integer inputs give exact gradients', async () => {
    for (const testCase of cases.filter(({ integers }) => integers === true)) {
      await checkGradient(devices.get(device)!, testCase, { integers: true }).catch((cause: unknown) => {
        throw new Error(`${testCase.op}: ${testCase.name}`, { cause });
      });
    }
  });
});

/** sum(first output * seed) in float64. */
function objective(testCase: OpCase, feeds: ReadonlyMap<string, RefTensor>): number {
  const [y] = interpret(forwardGraph(testCase), feeds);
  const seed = feeds.get(SEED)!.data;
  return y!.data.reduce((sum, value, i) => sum + value * seed[i]!, 0);
}

describe('gradient rules against finite differences', () => {
  const EPS = 1e-6;
  test.each(named)('%s', (_, testCase) => {
    const graph = gradientGraph(testCase);
    const feeds = gradientFeeds(testCase, graph);
    const gradients = interpret(graph, feeds);
    gradientPositions(testCase).forEach((position, i) => {
      const x = feeds.get(inputName(position))!;
      // One random direction checks the whole gradient at the price of two evaluations.
      const direction = randomTensor(x.shape, new Random(`direction ${position}`));
      const moved = (sign: number) => {
        const data = x.data.map((value, k) => value + sign * EPS * direction.data[k]!);
        return objective(testCase, new Map(feeds).set(inputName(position), { shape: x.shape, data }));
      };
      const numeric = (moved(1) - moved(-1)) / (2 * EPS);
      const products = gradients[i]!.data.map((g, k) => g * direction.data[k]!);
      const analytic = products.reduce((a, b) => a + b, 0);
      const scale = Math.sqrt(products.reduce((a, b) => a + b * b, 0));
      expect(
        Math.abs(numeric - analytic),
        `input ${position}: numeric ${numeric}, analytic ${analytic}`,
      ).toBeLessThanOrEqual(1e-5 + 1e-3 * scale);
    });
  });
});
