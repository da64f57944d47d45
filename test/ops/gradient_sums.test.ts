/** Two gradients that meet at a norm are added in its own passes, and the result is that of adding them before. */
import { afterAll, describe, expect, test } from 'vitest';
import { differentiate } from '../../lib/graph/autodiff.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { mergeGradientSums } from '../../lib/graph/passes/merge_gradient_sums.ts';
import { replay } from '../../lib/graph/rewrite.ts';
import { ABSENT, type Graph } from '../../lib/ir/graph.ts';
import { gateTolerance, gradientPositions, inputsOf, type OpCase, reductionOf } from '../cases/index.ts';
import { normActivationCase } from '../cases/norm_activation.ts';
import { normTailCase } from '../cases/norm_tail.ts';
import { feedsOf, forwardGraph, inputName, runOnDevice } from '../helpers/case_graph.ts';
import { expectClose } from '../helpers/close.ts';
import { Random } from '../helpers/random.ts';
import { interpret, tensor } from '../reference/index.ts';
import { closeDevices, deviceNames, openDevices } from './devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

/** Gradients of a case whose output two ops read, so that two gradients arrive there. */
function twoReaders(testCase: OpCase): Graph {
  const builder = new GraphBuilder();
  const graph = forwardGraph(testCase);
  const y = replay(graph, builder, () => undefined)[graph.outputs[0]!]!;
  const type = builder.type(y);
  const seeds = ['seed', 'other seed'].map((name) => builder.input(name, type));
  const readers = seeds.map((_, i) => builder.emit('scale', [y], { factor: i + 1 })[0]!);
  const sum = builder.emit('add', readers)[0]!;
  const wanted = gradientPositions(testCase).map(
    (position) => builder.values.find(({ name }) => name === inputName(position))!.id,
  );
  const seed = builder.emit('add', seeds)[0]!;
  const gradients = differentiate(builder, sum, seed, wanted);
  return builder.finish(wanted.map((id) => gradients.get(id)!));
}

const excited = { se: 4, gate: 'sigmoid' };
const shape = [2, 5, 3, 16];
const cases = [
  normTailCase('plain', shape, {}),
  normTailCase('identity', shape, { ...excited, identity: 'plain' }),
  normActivationCase('plain', shape, { activation: 'hard_swish' }),
  normActivationCase('gated', shape, { ...excited, activation: 'silu' }),
  normActivationCase('gated, any sizes', [3, 3, 5, 7], { ...excited, activation: 'tanh' }),
];

describe.each(deviceNames)('%s', (name) => {
  test.each(cases.map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_, testCase) => {
    const separate = twoReaders(testCase);
    const graph = mergeGradientSums(separate);
    const last = graph.nodes.find(({ op }) => op === `${testCase.op}_grad`);
    expect(last?.inputs[1]).not.toBe(ABSENT);
    const random = new Random('two readers');
    const feeds = feedsOf(inputsOf(testCase));
    for (const seed of ['seed', 'other seed']) {
      const zeros = tensor(testCase.inputs[0]!.shape);
      // Three times their sum arrives, which is about as large as a seed of the other suites.
      feeds.set(seed, { shape: zeros.shape, data: zeros.data.map(() => Math.fround(random.normal(0, 0.2))) });
    }
    const { outputs } = await runOnDevice(devices.get(name)!, graph, feeds);
    interpret(separate, feeds).forEach((expected, i) => {
      expectClose(outputs[i]!, expected, {
        reduction: reductionOf(testCase).gradient,
        dtype: 'f32',
        atol: gateTolerance(testCase),
        label: `gradient ${i}`,
      });
    });
  });
});
