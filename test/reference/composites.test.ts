/** Gradients of whole blocks, and whole graphs through the interpreter. */
import { describe, expect, test } from 'vitest';
import {
  ABSENT,
  f32,
  type Graph,
  i32,
  type Node,
  type TensorType,
  type ValueKind,
} from '../../lib/ir/graph.ts';
import { Random } from '../helpers/random.ts';
import { Tape, type Variable } from './chain.ts';
import { gradcheck, randomLike } from './gradcheck.ts';
import { evaluate, interpret } from './index.ts';
import { given, map, type RefTensor, type Slots, tensor } from './tensor.ts';

type Net = (tape: Tape, leaf: (shape: number[], mean?: number) => Variable) => Variable;

/** Builds a net on random leaves, then compares the gradient of every leaf with differences. */
function checkNet(net: Net, seed: string) {
  const random = new Random(seed);
  const leaves: RefTensor[] = [];
  const build = (values?: Slots) => {
    const tape = new Tape();
    const variables: Variable[] = [];
    const leaf = (shape: number[], mean = 0): Variable => {
      const position = variables.length;
      leaves[position] ??= map(tensor(shape), () => random.normal(mean, 0.5));
      const variable = tape.leaf(values?.[position] ?? leaves[position]);
      variables.push(variable);
      return variable;
    };
    return { tape, variables, y: net(tape, leaf) };
  };
  const { tape, variables, y } = build();
  const dy = randomLike(y.value, random);
  const found = tape.gradients(y, dy);
  const result = gradcheck({
    forward: (values) => build(values).y.value,
    inputs: leaves,
    positions: [...leaves.keys()],
    analytic: variables.map((variable) => found.get(variable)),
    dy,
    elements: 12,
  });
  expect(result.alive).toBe(true);
  return { y: y.value, gradients: variables.map((variable) => found.get(variable)!) };
}

const conv = (stride: number, padding: number) => ({
  stride: [stride, stride],
  padding: [padding, padding, padding, padding],
  dilation: [1, 1],
  groups: 1,
});

/** Running statistics, unused in training. */
const idle = (tape: Tape, c: number): Variable[] => [tape.leaf(tensor([c])), tape.leaf(tensor([c]))];

/** conv, norm, ReLU, conv and the tail with its excitation; the shortcut is projected when `stride` is above 1. */
const block =
  (fused: boolean, stride: number): Net =>
  (tape, leaf) => {
    const [c, k, r] = [3, stride > 1 ? 6 : 3, 2];
    const x = leaf([2, 5, 6, c]);
    const wA = leaf([k, c, 3, 3]);
    const [gammaA, betaA] = [leaf([k], 1), leaf([k])];
    const wB = leaf([k, k, 3, 3]);
    const [gammaB, betaB] = [leaf([k], 1), leaf([k])];
    const excitation = [leaf([r, k]), leaf([r], 0.5), leaf([k, r]), leaf([k])];
    const norm = { eps: 1e-5, training: true };
    const first = tape.apply('conv2d', [x, wA, undefined], conv(stride, 1));
    const normalized = tape.apply('batch_norm', [first, gammaA, betaA, ...idle(tape, k)], norm);
    const relu = tape.apply('activation', [normalized], { kind: 'relu' });
    const second = tape.apply('conv2d', [relu, wB, undefined], conv(1, 1));
    let shortcut = x;
    let projection: Variable[] = [];
    if (stride > 1) {
      shortcut = tape.apply('conv2d', [x, leaf([k, c, 1, 1]), undefined], conv(stride, 0));
      projection = [leaf([k], 1), leaf([k]), ...idle(tape, k)];
    }
    if (fused) {
      const slots = projection.length > 0 ? projection : [undefined, undefined, undefined, undefined];
      return tape.apply(
        'norm_tail',
        [second, gammaB, betaB, ...idle(tape, k), shortcut, ...slots, ...excitation],
        { eps: 1e-5, eps2: 1e-5, relu: true, gate: 'sigmoid', hidden: 'relu', training: true },
      );
    }
    const z = tape.apply('batch_norm', [second, gammaB, betaB, ...idle(tape, k)], norm);
    const q = tape.apply('global_avg_pool', [z]);
    const s = tape.apply('excite', [q, ...excitation], { gate: 'sigmoid', hidden: 'relu', training: true });
    const identity =
      projection.length > 0 ? tape.apply('batch_norm', [shortcut, ...projection], norm) : shortcut;
    const sum = tape.apply('add', [tape.apply('multiply', [z, s]), identity]);
    return tape.apply('activation', [sum], { kind: 'relu' });
  };

describe('SE-ResNet blocks', () => {
  test.each([
    ['plain shortcut', 1],
    ['projected shortcut', 2],
  ])('%s: fused and decomposed pass gradcheck and agree', (name, stride) => {
    const fused = checkNet(block(true, stride), name);
    const decomposed = checkNet(block(false, stride), name);
    expect(fused.y).toEqual(decomposed.y);
    fused.gradients.forEach((gradient, i) => {
      gradient.data.forEach((value, j) => {
        expect(value).toBeCloseTo(decomposed.gradients[i]!.data[j]!, 10);
      });
    });
  });
});

test('a net of the other layers', () => {
  const key = tensor([2], [3, 4]);
  const labels = tensor([2], [1, 2]);
  const result = checkNet((tape, leaf) => {
    const x = leaf([2, 6, 7, 4]);
    const grouped = tape.apply('conv2d', [x, leaf([6, 2, 3, 3]), leaf([6])], { ...conv(1, 1), groups: 2 });
    const shuffled = tape.apply('channel_shuffle', [grouped], { groups: 2 });
    const left = tape.apply('channel_slice', [shuffled], { start: 0, end: 3 });
    const right = tape.apply('activation', [tape.apply('channel_slice', [shuffled], { start: 3, end: 6 })], {
      kind: 'tanh',
    });
    const both = tape.apply('concat', [tape.apply('activation', [left], { kind: 'sigmoid' }), right]);
    const gated = tape.apply(
      'squeeze_excite',
      [both, leaf([2, 6]), leaf([2], 0.5), leaf([6, 2]), leaf([6])],
      {
        squeeze: 'avg',
        gate: 'tanh',
        hidden: 'silu',
      },
    );
    const window = { kernel: [3, 2], stride: [2, 2], padding: [1, 1, 0, 1], ceil: true };
    const max = tape.apply('max_pool', [gated], { ...window, training: true });
    const avg = tape.apply('avg_pool', [gated], { ...window, countIncludePad: false });
    const flat = tape.apply('flatten', [tape.apply('add', [max, avg])]);
    const dropped = tape.apply('dropout', [flat, tape.leaf(key)], { rate: 0.3, stream: 1, whole: false });
    const logits = tape.apply('linear', [dropped, leaf([3, flat.value.shape[1]!]), leaf([3])]);
    return tape.apply('softmax_cross_entropy', [logits, tape.leaf(labels)], { smoothing: 0.1 });
  }, 'others');
  expect(result.y.shape).toEqual([]);
});

test.each([
  ['norm_tail_grad', { eps: 1e-5, eps2: 1e-5, relu: true, gate: 'sigmoid', hidden: 'relu', training: true }],
  ['norm_activation_grad', { eps: 1e-5, activation: 'silu', training: true }],
])('%s adds the gradient of a second consumer', (op, attributes) => {
  const random = new Random('extra');
  const make = (...shape: number[]) => randomLike(tensor(shape), random);
  const [x, gamma, beta, mean] = [make(2, 3, 3, 4), make(4), make(4), make(4)];
  const variance = map(make(4), Math.abs);
  const [dy, extra] = [make(2, 3, 3, 4), make(2, 3, 3, 4)];
  const rest = [x, gamma, beta, mean, variance];
  const sum = map(dy, (value, i) => value + extra.data[i]!);
  expect(evaluate(op, [dy, extra, ...rest], attributes)).toEqual(
    evaluate(op, [sum, undefined, ...rest], attributes),
  );
});

/** Appends values and nodes to a graph. */
class Sketch {
  readonly values: {
    id: number;
    kind: ValueKind;
    name: string;
    shape: readonly number[];
    dtype: 'f32' | 'i32' | 'u8';
  }[] = [];
  readonly nodes: Node[] = [];

  value(kind: ValueKind, name: string, type: TensorType): number {
    this.values.push({ id: this.values.length, kind, name, ...type });
    return this.values.length - 1;
  }

  node(
    op: string,
    inputs: number[],
    types: (TensorType | undefined)[],
    attributes: Node['attributes'] = {},
  ): number[] {
    const outputs = types.map((type) => (type === undefined ? ABSENT : this.value('intermediate', op, type)));
    this.nodes.push({ op, layer: op, inputs, outputs, attributes });
    return outputs;
  }
}

/** A training step of linear, batch norm and cross-entropy, as a graph. */
function trainingStep(): Graph {
  const g = new Sketch();
  const x = g.value('input', 'x', f32(5, 3));
  const labels = g.value('input', 'labels', i32(5));
  const lr = g.value('input', 'lr', f32());
  const weight = g.value('parameter', 'weight', f32(4, 3));
  const gamma = g.value('parameter', 'gamma', f32(4));
  const beta = g.value('parameter', 'beta', f32(4));
  const runningMean = g.value('state', 'running_mean', f32(4));
  const runningVar = g.value('state', 'running_var', f32(4));
  const norm = { eps: 1e-3, training: true };
  const [y = 0] = g.node('linear', [x, weight], [f32(5, 4)]);
  const statistics = [runningMean, runningVar];
  const [z = 0, mean = 0, variance = 0] = g.node(
    'batch_norm',
    [y, gamma, beta, ...statistics],
    [f32(5, 4), f32(4), f32(4)],
    norm,
  );
  const smoothing = { smoothing: 0.1 };
  const [loss = 0, p = 0] = g.node('softmax_cross_entropy', [z, labels], [f32(), f32(5, 4)], smoothing);
  g.node('assert_finite', [loss], [], { what: 'loss' });
  const [dloss = 0] = g.node('fill', [], [f32()], { shape: [], value: 1 });
  const [dz = 0] = g.node('softmax_cross_entropy_grad', [p, labels, dloss], [f32(5, 4)], smoothing);
  const [dy = 0, dgamma = 0, dbeta = 0] = g.node(
    'batch_norm_grad',
    [dz, y, gamma, mean, variance],
    [f32(5, 4), f32(4), f32(4)],
    norm,
  );
  const [dweight = 0] = g.node('linear_grad_weight', [x, dy], [f32(4, 3), undefined], { bias: false });
  g.node('running_update', [runningMean, runningVar, mean, variance], [], { momentum: 0.1, counts: [5] });
  const triples = [weight, dweight, ABSENT, gamma, dgamma, ABSENT, beta, dbeta, ABSENT];
  g.node('sgd', [lr, ABSENT, ...triples], [], {
    nesterov: false,
    decays: [0, 0, 0],
    rates: [1, 1, 1],
    scaled: false,
  });
  return { values: g.values, nodes: g.nodes, outputs: [loss, mean, variance] };
}

function feedsFor(seed: string, lr: number): Map<string, RefTensor> {
  const random = new Random(seed);
  const make = (...shape: number[]) => randomLike(tensor(shape), random);
  return new Map([
    ['x', make(5, 3)],
    ['labels', tensor([5], [0, 3, 1, 2, 3])],
    ['lr', tensor([], [lr])],
    ['weight', make(4, 3)],
    ['gamma', make(4)],
    ['beta', make(4)],
    ['running_mean', make(4)],
    ['running_var', tensor([4], [1, 2, 3, 4])],
  ]);
}

describe('interpret', () => {
  const graph = trainingStep();

  test('a training step goes down the gradient of the loss', () => {
    const lr = 0.01;
    const feeds = feedsFor('step', lr);
    const [loss] = interpret(graph, feeds);
    for (const name of ['weight', 'gamma', 'beta']) {
      const before = feedsFor('step', lr).get(name)!.data;
      before.forEach((value, i) => {
        const moved = (by: number): number => {
          const shifted = feedsFor('step', 0);
          shifted.get(name)!.data[i] = value + by;
          return interpret(graph, shifted)[0]!.data[0]!;
        };
        const slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        expect((value - feeds.get(name)!.data[i]!) / lr).toBeCloseTo(slope, 6);
      });
    }
    expect(interpret(graph, feeds)[0]!.data[0]).toBeLessThan(loss!.data[0]!);
  });

  test('running statistics are updated', () => {
    const feeds = feedsFor('running', 0);
    const [, mean, variance] = interpret(graph, feeds);
    const before = feedsFor('running', 0);
    const expected = 0.9 * before.get('running_mean')!.data[1]! + 0.1 * mean!.data[1]!;
    expect(feeds.get('running_mean')!.data[1]).toBeCloseTo(expected, 14);
    expect(feeds.get('running_var')!.data[1]).toBeCloseTo(0.9 * 2 + 0.1 * variance!.data[1]! * 1.25, 14);
  });

  test('feeds may be given by id', () => {
    const named = feedsFor('ids', 0);
    const numbered = new Map(
      graph.values.flatMap(({ id, name }) => {
        const value = named.get(name);
        return value === undefined ? [] : [[id, value] as const];
      }),
    );
    expect(interpret(graph, numbered)).toEqual(interpret(graph, named));
  });

  test('a shape that differs from the declared one is an error', () => {
    const values = graph.values.map((value) =>
      value.name === 'batch_norm' ? { ...value, shape: [9] } : value,
    );
    const feeds = feedsFor('shapes', 0);
    expect(() => interpret({ ...graph, values }, feeds)).toThrow('expected 9, received 5x4');
  });

  test('a missing feed and an unknown op are errors', () => {
    const feeds = feedsFor('missing', 0);
    feeds.delete('weight');
    expect(() => interpret(graph, feeds)).toThrow('weight');
    expect(() => evaluate('nonsense', [given([tensor([1])], 0, 'x')], {})).toThrow('no op nonsense');
  });
});
