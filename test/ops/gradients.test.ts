/**
 * Gradients of every case: the device against the float64 reference run on the same graph, and that reference, with
 * the gradient rules it follows, against finite differences of the forward op.
 */
import { afterAll, describe, expect, test } from 'vitest';
import {
  allCases,
  gateTolerance,
  gradientPositions,
  inputsOf,
  type OpCase,
  reductionOf,
} from '../cases/index.ts';
import {
  feedsOf,
  forwardGraph,
  gradientGraph,
  inputName,
  runOnDevice,
  SEED,
  seedShape,
} from '../helpers/case_graph.ts';
import { expectClose, expectExact } from '../helpers/close.ts';
import { Random } from '../helpers/random.ts';
import { interpret, type RefTensor, tensor } from '../reference/index.ts';
import { deviceNames, openDevices } from './devices.ts';

const devices = openDevices();
afterAll(() => {
  for (const device of devices.values()) device.dispose();
});

const cases = allCases().filter((c) => gradientPositions(c).length > 0);
const named = cases.map((c) => [`${c.op}: ${c.name}`, c] as const);

function randomTensor(shape: readonly number[], random: Random, integers = false): RefTensor {
  const result = tensor(shape);
  for (let i = 0; i < result.data.length; i += 1) {
    result.data[i] = integers ? random.integer(-2, 2) : Math.fround(random.normal());
  }
  return result;
}

function feedsWithSeed(testCase: OpCase, graph: ReturnType<typeof gradientGraph>, integers = false) {
  const feeds = feedsOf(inputsOf(testCase, { integers }));
  feeds.set(
    SEED,
    randomTensor(seedShape(graph), new Random(`seed ${testCase.op} ${testCase.name}`), integers),
  );
  return feeds;
}

describe.each(deviceNames)('%s', (device) => {
  test.each(named)('%s', async (_, testCase) => {
    const graph = gradientGraph(testCase);
    const feeds = feedsWithSeed(testCase, graph);
    const { outputs } = await runOnDevice(devices.get(device)!, graph, feeds);
    const expected = interpret(graph, feeds);
    const reduction = reductionOf(testCase).gradient;
    const atol = testCase.tolerance?.gradient ?? gateTolerance(testCase);
    gradientPositions(testCase).forEach((position, i) => {
      const label = `gradient in input ${position}`;
      expectClose(outputs[i]!, expected[i]!, { reduction, dtype: 'f32', atol, label });
    });
  });

  test('integer inputs give exact gradients', async () => {
    for (const testCase of cases.filter(({ integers }) => integers === true)) {
      const graph = gradientGraph(testCase);
      const feeds = feedsWithSeed(testCase, graph, true);
      const { outputs } = await runOnDevice(devices.get(device)!, graph, feeds);
      interpret(graph, feeds).forEach((expected, i) => {
        expectExact(outputs[i]!, expected, `${testCase.op}: ${testCase.name}: gradient ${i}`);
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
    const feeds = feedsWithSeed(testCase, graph);
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
