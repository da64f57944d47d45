/** Random convolutions, pools and norms, forward and backward, on every device against the reference. */
import * as fc from 'fast-check';
import { afterAll, describe, test } from 'vitest';
import {
  arbitraryAvgPool,
  arbitraryConv2d,
  arbitraryMaxPool,
  arbitraryNormActivation,
  arbitraryNormTail,
} from '../cases/arbitrary.ts';
import { gateTolerance, gradientPositions, inputsOf, type OpCase, reductionOf } from '../cases/index.ts';
import { feedsOf, forwardGraph, gradientGraph, runOnDevice, SEED, seedShape } from '../helpers/case_graph.ts';
import { expectClose } from '../helpers/close.ts';
import { Random } from '../helpers/random.ts';
import { interpret, tensor } from '../reference/index.ts';
import { closeDevices, deviceNames, openDevices } from './devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

/** Fixed, so that a failure here fails everywhere; fast-check prints it with the smallest case it finds. */
const SEED_OF_RUN = 20260101;

async function agrees(name: string, testCase: OpCase): Promise<void> {
  const device = devices.get(name)!;
  const reduction = reductionOf(testCase);
  const forward = forwardGraph(testCase);
  const first = { ...forward, outputs: forward.outputs.slice(0, 1) };
  const feeds = feedsOf(inputsOf(testCase));
  const run = await runOnDevice(device, first, feeds);
  expectClose(run.outputs[0]!, interpret(first, feeds)[0]!, { reduction: reduction.forward, dtype: 'f32' });
  if (gradientPositions(testCase).length === 0) return;
  const graph = gradientGraph(testCase);
  const random = new Random(testCase.name);
  const seed = tensor(seedShape(graph));
  feeds.set(SEED, { shape: seed.shape, data: seed.data.map(() => Math.fround(random.normal())) });
  const { outputs } = await runOnDevice(device, graph, feeds);
  interpret(graph, feeds).forEach((expected, i) => {
    expectClose(outputs[i]!, expected, {
      reduction: reduction.gradient,
      dtype: 'f32',
      atol: gateTolerance(testCase),
      label: `gradient ${i}`,
    });
  });
}

describe.each(deviceNames)('%s', (device) => {
  test.each([
    ['conv2d', arbitraryConv2d, 400],
    ['max_pool', arbitraryMaxPool, 150],
    ['avg_pool', arbitraryAvgPool, 150],
    ['norm_tail', arbitraryNormTail, 300],
    ['norm_activation', arbitraryNormActivation, 300],
  ] as const)('%s', async (_, arbitrary, runs) => {
    await fc.assert(
      fc.asyncProperty(arbitrary, (testCase) => agrees(device, testCase)),
      { numRuns: runs, seed: SEED_OF_RUN },
    );
  });
});
