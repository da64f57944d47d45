/** Results made with PyTorch (fixtures/make_golden.py): an SE block, a residual tail in training, three SGD steps. */
import { afterAll, describe, expect, test } from 'vitest';
import { Device } from '../lib/device.ts';
import { differentiate } from '../lib/graph/autodiff.ts';
import { GraphBuilder } from '../lib/graph/builder.ts';
import { decompose } from '../lib/graph/passes/decompose.ts';
import { ABSENT, f32, sizeOf } from '../lib/ir/graph.ts';
import { Model } from '../lib/model.ts';
import { crossEntropy } from '../lib/train/loss.ts';
import { sgd } from '../lib/train/optimizer.ts';
import { runOnDevice } from './helpers/case_graph.ts';
import { expectClose } from './helpers/close.ts';
import { cudaSimLibrary } from './helpers/cuda_sim.ts';
import { values } from './helpers/formula.ts';
import {
  batchOfStep,
  imagesOf,
  initialState,
  type Numbers,
  readFixture,
  tinyNet,
} from './helpers/golden_net.ts';
import { type RefTensor, tensor } from './reference/index.ts';

interface Golden {
  readonly seBlock: Numbers;
  readonly residualTail: Numbers;
  readonly sgdSteps: {
    readonly losses: number[];
    readonly state: Numbers;
    readonly probabilities: number[];
  };
}
const golden = readFixture('golden.json') as Golden;

const flat = (data: number[]): RefTensor => tensor([data.length], data);
process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const devices = ['cpu', 'cuda'] as const;
const opened = new Map<string, Device>();
for (const name of devices) opened.set(name, await Device.open(name));
afterAll(() => {
  for (const device of opened.values()) device.dispose();
});

function seParameters(builder: GraphBuilder): number[] {
  return [
    builder.parameter('fc1.weight', f32(4, 16)),
    builder.parameter('fc1.bias', f32(4)),
    builder.parameter('fc2.weight', f32(16, 4)),
    builder.parameter('fc2.bias', f32(16)),
  ];
}

const seFeeds = (): [string, RefTensor][] => [
  ['fc1.weight', values('fc1.weight', [4, 16], 1.5 / 4)],
  ['fc1.bias', values('fc1.bias', [4], 0.2)],
  ['fc2.weight', values('fc2.weight', [16, 4], 1.5 / 2)],
  ['fc2.bias', values('fc2.bias', [16], 0.2)],
];

function check(
  outputs: readonly ArrayLike<number>[],
  expected: Numbers,
  names: readonly string[],
  n: number,
): void {
  names.forEach((name, i) => {
    expectClose(outputs[i]!, flat(expected[name]!), { reduction: n, dtype: 'f32', label: name });
  });
}

test.each(devices)('SE block on %s, forward and backward', async (device) => {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32(2, 5, 3, 16));
  const se = seParameters(builder);
  const forward = builder.emit('squeeze_excite', [x, ...se], {
    squeeze: 'avg',
    gate: 'sigmoid',
    hidden: 'relu',
  });
  const plain = decompose(builder.finish(forward), (op) => op === 'squeeze_excite');
  const training = new GraphBuilder();
  const { replay } = await import('../lib/graph/rewrite.ts');
  const map = replay(plain, training, ({ node, inputs }) =>
    node.op === 'excite'
      ? training.emit('excite', inputs, { ...node.attributes, training: true })
      : undefined,
  );
  const y = map[plain.outputs[0]!]!;
  const dy = training.input('dy', f32(2, 5, 3, 16));
  const wanted = [x, ...se].map((id) => map[id]!);
  const gradients = differentiate(training, y, dy, wanted);
  const graph = training.finish([y, ...wanted.map((id) => gradients.get(id)!)]);
  const shape = [2, 5, 3, 16];
  const feeds = new Map([['x', values('x', shape)], ['dy', values('dy', shape)], ...seFeeds()]);
  const { outputs } = await runOnDevice(opened.get(device)!, graph, feeds);
  check(outputs, golden.seBlock, ['y', 'dx', 'dw1', 'db1', 'dw2', 'db2'], sizeOf(shape));
});

test.each(devices)('residual tail on %s in training, forward and backward', async (device) => {
  const shape = [3, 4, 5, 16];
  const builder = new GraphBuilder();
  const x = builder.input('x', f32(...shape));
  const identity = builder.input('identity', f32(...shape));
  const norm = ['gamma', 'beta'].map((name) => builder.parameter(name, f32(16)));
  const running = ['running_mean', 'running_var'].map((name) => builder.state(name, f32(16)));
  const se = seParameters(builder);
  const none = [ABSENT, ABSENT, ABSENT, ABSENT];
  const outputs = builder.emit('norm_tail', [x, ...norm, ...running, identity, ...none, ...se], {
    eps: 1e-5,
    relu: true,
    gate: 'sigmoid',
    hidden: 'relu',
    training: true,
    frozen: false,
  });
  const dy = builder.input('dy', f32(...shape));
  const wanted = [x, identity, ...norm, ...se];
  const gradients = differentiate(builder, outputs[0]!, dy, wanted);
  builder.emit('running_update', [...running, outputs[1]!, outputs[2]!], { momentum: 0.1, counts: [60] });
  const graph = builder.finish([outputs[0]!, ...wanted.map((id) => gradients.get(id)!)]);
  const feeds = new Map([
    ['x', values('x', shape)],
    ['identity', values('identity', shape)],
    ['dy', values('dy', shape)],
    ['gamma', values('gamma', [16], 0.2, 1)],
    ['beta', values('beta', [16], 0.2)],
    ['running_mean', tensor([16])],
    ['running_var', tensor([16], new Float64Array(16).fill(1))],
    ...seFeeds(),
  ]);
  const run = await runOnDevice(opened.get(device)!, graph, feeds);
  const names = ['y', 'dx', 'didentity', 'dgamma', 'dbeta', 'dw1', 'db1', 'dw2', 'db2'];
  check(run.outputs, golden.residualTail, names, sizeOf(shape));
  for (const name of ['running_mean', 'running_var']) {
    expectClose(run.tensors.get(name)!, flat(golden.residualTail[name]!), { reduction: 60, dtype: 'f32' });
  }
});

describe('three SGD steps of a tiny SE-ResNet', () => {
  test.each([
    ['cpu', 'blocked8'],
    ['cpu', 'blocked16'],
    ['cpu', 'channels_last'],
    ['cuda', 'auto'],
  ] as const)('%s %s', async (device, layout) => {
    const model = new Model(tinyNet);
    try {
      await model.compile({
        device,
        layout,
        optimizer: sgd({ momentum: 0.9, weightDecay: 1e-3, nesterov: true }),
        loss: crossEntropy({ labelSmoothing: 0.1 }),
      });
      await model.loadStateDict(initialState());
      for (const [step, expected] of golden.sgdSteps.losses.entries()) {
        const { loss } = await model.trainBatch(batchOfStep(step), { lr: 0.05 });
        // Three steps pass through some hundred sums of up to 1,024 terms each.
        expect(Math.abs(loss - expected)).toBeLessThan(2e-5 * expected);
      }
      const state = await model.stateDict();
      for (const [name, expected] of Object.entries(golden.sgdSteps.state)) {
        const actual = state.get(name)!.data.subarray(0, expected.length);
        expectClose(actual, flat(expected), { reduction: 4096, dtype: 'f32', label: name });
      }
      const probabilities = await model.predict(imagesOf('test'));
      expectClose(probabilities, flat(golden.sgdSteps.probabilities), { reduction: 4096, dtype: 'f32' });
    } finally {
      model.dispose();
    }
  });
});
