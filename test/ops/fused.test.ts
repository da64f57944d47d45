/** A fused op and its decomposition into plain ops give the same results and gradients on a device. */
import { afterAll, describe, test } from 'vitest';
import { decompose } from '../../lib/graph/passes/decompose.ts';
import { findOp } from '../../lib/ops/index.ts';
import { allCases, gateTolerance, gradientPositions, inputsOf, reductionOf } from '../cases/index.ts';
import { feedsOf, forwardGraph, gradientGraph, runOnDevice, SEED, seedShape } from '../helpers/case_graph.ts';
import { expectClose } from '../helpers/close.ts';
import { Random } from '../helpers/random.ts';
import { tensor } from '../reference/index.ts';
import { deviceNames, openDevices } from './devices.ts';

const devices = openDevices();
afterAll(() => {
  for (const device of devices.values()) device.dispose();
});

const named = allCases()
  .filter(({ op }) => findOp(op).decompose !== undefined)
  .map((c) => [`${c.op}: ${c.name}`, c] as const);

describe.each(deviceNames)('%s', (name) => {
  test.each(named)('forward %s', async (_, testCase) => {
    const device = devices.get(name)!;
    const graph = forwardGraph(testCase);
    const first = { ...graph, outputs: graph.outputs.slice(0, 1) };
    const feeds = feedsOf(inputsOf(testCase));
    const fused = await runOnDevice(device, first, feeds);
    const plain = await runOnDevice(
      device,
      decompose(first, (op) => op === testCase.op),
      feeds,
    );
    const expected = tensor(graph.values[graph.outputs[0]!]!.shape, plain.outputs[0]!);
    const atol = 2 * (testCase.tolerance?.forward ?? 0);
    expectClose(fused.outputs[0]!, expected, {
      reduction: reductionOf(testCase).forward,
      dtype: 'f32',
      atol,
    });
  });

  test.each(named.filter(([, c]) => gradientPositions(c).length > 0))('gradient %s', async (_, testCase) => {
    const device = devices.get(name)!;
    const graph = gradientGraph(testCase);
    const feeds = feedsOf(inputsOf(testCase));
    const random = new Random(testCase.name);
    const seed = tensor(seedShape(graph));
    feeds.set(SEED, { shape: seed.shape, data: seed.data.map(() => random.normal()) });
    const fused = await runOnDevice(device, graph, feeds);
    const plain = await runOnDevice(device, gradientGraph(testCase, true), feeds);
    const atol = 2 * (testCase.tolerance?.gradient ?? gateTolerance(testCase));
    fused.outputs.forEach((actual, i) => {
      const expected = tensor(graph.values[graph.outputs[i]!]!.shape, plain.outputs[i]!);
      const reduction = reductionOf(testCase).gradient;
      expectClose(actual, expected, { reduction, dtype: 'f32', atol, label: `gradient ${i}` });
    });
  });
});
