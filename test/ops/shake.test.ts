/** What shake gives its branches of a gradient: not its derivative, but shares of their own, on each device alike. */
import { afterAll, describe, expect, test } from 'vitest';
import { differentiate } from '../../lib/graph/autodiff.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { withoutChance } from '../../lib/graph/passes/without_chance.ts';
import { f32, i32 } from '../../lib/ir/graph.ts';
import { runOnDevice } from '../helpers/case_graph.ts';
import { expectClose } from '../helpers/close.ts';
import { Random } from '../helpers/random.ts';
import { interpret, tensor } from '../reference/index.ts';
import { closeDevices, deviceNames, openDevices } from './devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

const SHAPE = [6, 3, 2, 16];
const SIZE = 3 * 2 * 16;
const random = new Random('shake');
const noise = () =>
  tensor(
    SHAPE,
    Float64Array.from({ length: 6 * SIZE }, () => Math.fround(random.normal())),
  );
const feeds = () =>
  new Map([
    ['a', noise()],
    ['b', noise()],
    ['dy', noise()],
    ['key', tensor([2], [123, -45])],
  ]);

/** Output, then the gradients of both branches. */
function gradients(backward: 'shake' | 'even') {
  const builder = new GraphBuilder();
  const [a, b, dy] = ['a', 'b', 'dy'].map((name) => builder.input(name, f32(...SHAPE))) as [
    number,
    number,
    number,
  ];
  const key = builder.input('key', i32(2));
  const [y] = builder.emit('shake', [a, b, key], { backward, stream: 2, gradientStream: 3 });
  const found = differentiate(builder, y!, dy, [a, b]);
  return builder.finish([y!, found.get(a)!, found.get(b)!]);
}

/** How much of the first of two maps each image has: 1 - the second's. */
const share = (part: ArrayLike<number>, whole: ArrayLike<number>): number[] =>
  Array.from({ length: 6 }, (_, n) => part[n * SIZE]! / whole[n * SIZE]!);

describe.each(deviceNames)('%s', (device) => {
  test.each(['shake', 'even'] as const)('%s', async (backward) => {
    const inputs = feeds();
    const graph = gradients(backward);
    const { outputs } = await runOnDevice(devices.get(device)!, graph, inputs);
    const expected = interpret(graph, inputs);
    expected.forEach((want, i) => {
      expectClose(outputs[i]!, want, { reduction: 1, dtype: 'f32' });
    });
    const dy = inputs.get('dy')!.data;
    const [first, second] = [share(outputs[1]!, dy), share(outputs[2]!, dy)];
    first.forEach((part, n) => {
      expect(part + second[n]!).toBeCloseTo(1, 5);
    });
    // Another number for each image, and none of them the one of the forward pass.
    expect(new Set(first.map((part) => part.toFixed(4))).size).toBe(backward === 'even' ? 1 : 6);
    if (backward === 'even') expect(first[0]).toBe(0.5);
    const [a, b] = ['a', 'b'].map((name) => inputs.get(name)!.data) as [Float64Array, Float64Array];
    first.forEach((part, n) => {
      const i = n * SIZE;
      const forward = (outputs[0]![i]! - b[i]!) / (a[i]! - b[i]!);
      expect(forward).toBeGreaterThan(-1e-4);
      expect(forward).toBeLessThan(1 + 1e-4);
      expect(Math.abs(forward - part)).toBeGreaterThan(1e-3);
    });
  });
});

test('inference has the mean', () => {
  const inputs = feeds();
  const graph = withoutChance(gradients('even'));
  expect(graph.nodes.map(({ op }) => op)).toContain('scale');
  const [y] = interpret(graph, inputs);
  const [a, b] = ['a', 'b'].map((name) => inputs.get(name)!.data) as [Float64Array, Float64Array];
  y!.data.forEach((value, i) => {
    expect(value).toBe(0.5 * (a[i]! + b[i]!));
  });
});
