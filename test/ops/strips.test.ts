/**
 * Convolutions as products over strips, and their gradients in the input, against the float64 reference: groups of 4
 * channels and of whole vectors, strips and panels of each size, maps in parts, channels in chunks, and everything that
 * rides on them.
 */
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { Program } from '../../lib/program.ts';
import { Tensor } from '../../lib/tensor.ts';
import { cases, conv2dCase, conv2dFusedCase } from '../cases/conv2d.ts';
import { forwardGraph, runOnDevice } from '../helpers/case_graph.ts';
import { checkForward, checkGradient } from '../helpers/op_checks.ts';

const layouts = ['blocked8', 'channels_last'] as const;
const devices = new Map<string, Device>();
for (const layout of layouts) {
  devices.set(layout, await Device.open('cpu', { layout, convolutions: 'strips' }));
}
afterAll(() => {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
});

type Four = [number, number, number, number];
const kernel: [number, number] = [3, 3];
const same: Four = [1, 1, 1, 1];

describe.each(layouts)('%s', (layout) => {
  const device = devices.get(layout)!;

  const checkAll = async (testCase: Parameters<typeof checkForward>[1]) => {
    await checkForward(device, testCase, { integers: true });
    await checkForward(device, testCase);
    if (testCase.gradient) await checkGradient(device, testCase);
  };

  test.each(cases.map((testCase) => [testCase.name, testCase] as const))('%s', (_name, testCase) =>
    checkAll(testCase),
  );

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 13])('a map of %i columns', async (columns) => {
    for (const channels of [8, 16, 24]) {
      await checkAll(
        conv2dCase('columns', { x: [1, 3, columns, channels], k: channels, kernel, padding: same }),
      );
    }
  });

  test.each([4, 8, 16, 24, 40, 56])('groups of %i channels', async (width) => {
    for (const stride of [1, 2]) {
      const x: Four = [2, 7, 9, 2 * width];
      await checkAll(
        conv2dCase('groups', { x, k: 2 * width, groups: 2, kernel, padding: same, stride: [stride, stride] }),
      );
    }
  });

  test('groups that get wider or narrower', async () => {
    await checkAll(conv2dCase('wider', { x: [1, 5, 6, 16], k: 80, groups: 2, kernel, padding: same }));
    await checkAll(conv2dCase('narrower', { x: [1, 5, 6, 80], k: 16, groups: 2, kernel, padding: same }));
  });

  test('more rows than are copied at a time', async () => {
    await checkAll(conv2dCase('wide', { x: [1, 12, 500, 8], k: 8, kernel, padding: same }));
    await checkAll(conv2dCase('one row', { x: [1, 3, 5000, 8], k: 16, kernel, padding: same }));
  });

  test('more channels than are multiplied at a time, and sums than are kept', async () => {
    await checkAll(conv2dCase('deep', { x: [1, 7, 7, 136], k: 48, kernel, padding: same }));
    await checkAll(conv2dCase('wide', { x: [1, 24, 24, 32], k: 136, kernel, padding: same }));
  });

  test('one tap, read where the map lies, and panels shared by the threads', async () => {
    for (const k of [16, 264, 272]) {
      const conv = { x: [2, 5, 6, 64] as Four, k, bias: true };
      await checkAll(conv2dCase('one tap', conv));
      await checkAll(conv2dFusedCase('gated', conv, { gate: true, residual: true, relu: true }));
    }
    await checkAll(conv2dCase('in parts', { x: [1, 40, 100, 64], k: 272 }));
    await checkAll(conv2dCase('panels', { x: [3, 5, 4, 40], k: 264, kernel, padding: same }));
  });

  test('more padding than the kernel reaches over', async () => {
    await checkAll(conv2dCase('padding', { x: [1, 4, 5, 8], k: 8, kernel, padding: [4, 3, 5, 6] }));
    await checkAll(
      conv2dCase('padding alone', { x: [1, 1, 1, 8], k: 8, kernel: [1, 2], padding: [3, 2, 4, 1] }),
    );
  });

  test.each([
    { relu: true },
    { residual: true },
    { gate: true, residual: true, relu: true },
    { gate: true, relu: true },
  ])('%o', async (options) => {
    for (const bias of [true, false]) {
      for (const [channels, groups] of [
        [16, 1],
        [24, 1],
        [16, 4],
        [96, 1],
      ] as const) {
        const conv = { x: [3, 7, 5, channels] as Four, k: channels, groups, kernel, padding: same, bias };
        await checkAll(conv2dFusedCase('fused', conv, options));
      }
    }
  });

  test('random sizes', async () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    const padding = fc.integer({ min: 0, max: 3 });
    const arbitrary = fc.record({
      size: fc.tuple(upTo(3), upTo(12), upTo(12)),
      groups: upTo(3),
      widths: fc.oneof(
        fc.constant<[number, number]>([4, 4]),
        fc.tuple(upTo(5), upTo(5)).map<[number, number]>(([c, k]) => [8 * c, 8 * k]),
      ),
      kernel: fc.tuple(upTo(4), upTo(4)),
      stride: fc.tuple(upTo(3), upTo(3)),
      dilation: fc.tuple(upTo(2), upTo(2)),
      padding: fc.tuple(padding, padding, padding, padding),
      bias: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ size, groups, widths, ...rest }) => {
        const [top, bottom, left, right] = rest.padding;
        const reach = (axis: 0 | 1) => (rest.kernel[axis] - 1) * rest.dilation[axis] + 1;
        fc.pre(size[1] + top + bottom >= reach(0) && size[2] + left + right >= reach(1));
        const [c, k] = widths;
        await checkAll(
          conv2dCase('random', {
            ...rest,
            x: [...size, 2 * groups * c],
            k: 2 * groups * k,
            groups: 2 * groups,
          }),
        );
      }),
      { numRuns: 100, seed: 20261129 },
    );
  });

  test('a NaN stays in its group', async () => {
    const testCase = conv2dCase('groups of 4', { x: [1, 3, 3, 16], k: 16, groups: 4, kernel, padding: same });
    const graph = forwardGraph(testCase);
    const [x, w] = graph.values.filter(({ kind }) => kind === 'input' || kind === 'parameter');
    const input = { shape: [...x!.shape], data: new Float64Array(9 * 16).fill(1) };
    input.data[4 * 16 + 5] = Number.NaN;
    const weight = { shape: [...w!.shape], data: new Float64Array(16 * 4 * 9).fill(1) };
    const { outputs } = await runOnDevice(
      device,
      graph,
      new Map([
        [x!.name, input],
        [w!.name, weight],
      ]),
    );
    const isNan = [...outputs[0]!].map((value, i) => Number.isNaN(value) === ((i % 16) >> 2 === 1));
    expect(isNan).not.toContain(false);
  });

  test('compute groups of 4 channels unless another way is asked for', async () => {
    for (const convolutions of ['auto', 'strips', 'direct', 'winograd'] as const) {
      const other = await Device.open('cpu', { layout, convolutions });
      const testCase = conv2dCase('groups', { x: [1, 4, 4, 32], k: 32, groups: 8, kernel, padding: same });
      const graph = forwardGraph(testCase);
      const { name, shape } = graph.values.find(({ kind }) => kind === 'parameter')!;
      const tensor = new Tensor(other, name, shape);
      const program = await Program.compile(other, graph, new Map([[name, tensor]]));
      const profile = await program.profile({ 'input 0': new Float32Array(4 * 4 * 32) });
      const isAvx2 = other.description.includes('avx2,');
      const isWanted = isAvx2 && ['auto', 'strips'].includes(convolutions);
      expect(profile.find(({ op }) => op === 'conv2d')!.implementation === 'strips').toBe(isWanted);
      program.dispose();
      tensor.dispose();
      other.dispose();
    }
  });
});
