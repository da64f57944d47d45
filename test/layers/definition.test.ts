/** What a definition says of its parameters and names, and how blocks become nodes. */
import { describe, expect, test } from 'vitest';
import { basicBlock, bottleneck, conv2d, dropout, type FeatureMap, relu, scope } from '../../lib/index.ts';
import { ABSENT } from '../../lib/ir/graph.ts';
import { describeOne, partsOf } from './describe_one.ts';

describe('parameters', () => {
  const { parameters } = describeOne((x) =>
    basicBlock(conv2d(x, { filters: 8, kernel: [3, 5], groups: 2 }), { filters: 8, se: {}, name: 'b' }),
  ).definition;
  const spec = (name: string) => parameters.find((p) => p.name === name)!;

  test('start as He et al. and PyTorch have it', () => {
    expect(spec('conv1.weight').initializer).toEqual({ kind: 'heNormal', fan: 4 * 15 });
    expect(spec('conv1.bias').initializer).toEqual({ kind: 'constant', value: 0 });
    expect(spec('b.bn2.weight').initializer).toEqual({ kind: 'constant', value: 1 });
    expect(spec('b.bn2.bias').initializer).toEqual({ kind: 'constant', value: 0 });
    expect(spec('b.bn2.running_mean').initializer).toEqual({ kind: 'constant', value: 0 });
    expect(spec('b.bn2.running_var').initializer).toEqual({ kind: 'constant', value: 1 });
    const uniform = { kind: 'uniform', bound: 1 / Math.sqrt(8) };
    expect(spec('classifier.weight').initializer).toEqual(uniform);
    expect(spec('classifier.bias').initializer).toEqual(uniform);
  });

  test('decay when they are weights', () => {
    const decaying = parameters.filter(({ decay }) => decay).map(({ name }) => name);
    expect(decaying.sort()).toEqual(
      parameters
        .filter(({ name }) => /(conv\d|fc\d|classifier)\.weight$/.test(name))
        .map(({ name }) => name)
        .sort(),
    );
  });

  test('are learned but for running statistics', () => {
    const states = parameters.filter(({ kind }) => kind === 'state').map(({ name }) => name);
    expect(states).toEqual(parameters.map(({ name }) => name).filter((name) => /running_/.test(name)));
  });

  test('are stored as 1x1 convolutions in SE blocks only', () => {
    const stored = parameters.filter(({ storedShape }) => storedShape !== undefined);
    expect(stored.map(({ name, storedShape }) => [name, storedShape])).toEqual([
      ['b.se.fc1.weight', [1, 8, 1, 1]],
      ['b.se.fc2.weight', [8, 1, 1, 1]],
    ]);
  });
});

test('the tail of a block is one node with projection, SE and ReLU', () => {
  const { definition } = describeOne((x) => basicBlock(x, { filters: 8, se: {}, name: 'b' }));
  const { nodes } = partsOf(definition);
  const [middle, tail] = nodes.filter(({ op }) => op === 'norm_tail');
  expect(middle!.inputs).toHaveLength(5);
  expect(tail!.inputs).toHaveLength(14);
  expect(tail!.inputs).not.toContain(ABSENT);
  const shortcut = nodes.find(({ layer }) => layer === 'b.downsample.0')!;
  expect(tail!.inputs[5]).toBe(shortcut.outputs[0]);
});

test('the stride of a bottleneck is where it is asked for', () => {
  const strides = (strideIn: '1x1' | '3x3') =>
    partsOf(describeOne((x) => bottleneck(x, { filters: 8, stride: 2, strideIn })).definition)
      .nodes.filter(({ op }) => op === 'conv2d')
      .map(({ attributes }) => attributes['stride']);
  const [one, two] = [
    [1, 1],
    [2, 2],
  ];
  expect(strides('1x1')).toEqual([two, one, one, two]);
  expect(strides('3x3')).toEqual([one, two, one, two]);
});

test('names count by kind and nest with dots', () => {
  const { definition } = describeOne((x) =>
    scope(relu(relu(x)), 'outer', (y) =>
      scope(relu(y), 'inner', (z) => conv2d(z, { filters: 2, kernel: 1 })),
    ),
  );
  const layers = partsOf(definition).nodes.map(({ layer }) => layer);
  expect(layers.slice(0, 4)).toEqual(['relu1', 'relu2', 'outer.relu1', 'outer.inner.conv1']);
});

test('dropout layers share one key and have streams of their own', () => {
  const { graph } = describeOne((x) => dropout(dropout(x, { rate: 0.1 }), { rate: 0.2 })).definition;
  const layers = graph.nodes.filter(({ op }) => op === 'dropout');
  expect(layers.map(({ attributes }) => attributes['stream'])).toEqual([0, 1]);
  const keys = graph.values.filter(({ name }) => name === 'key');
  expect(keys).toMatchObject([{ kind: 'input', dtype: 'i32', shape: [2] }]);
  expect(layers.map(({ inputs }) => inputs[1])).toEqual([keys[0]!.id, keys[0]!.id]);
});

test('a definition no longer changes', () => {
  const kept: FeatureMap<6>[] = [];
  const { definition } = describeOne((x) => {
    kept.push(x);
    return x;
  });
  const [values, parameters] = [definition.graph.values.length, definition.parameters.length];
  conv2d(kept[0]!, { filters: 2, kernel: 1 });
  expect(definition.graph.values).toHaveLength(values);
  expect(definition.parameters).toHaveLength(parameters);
});
