/**
 * Gradients in the weight of convolutions whose groups have 1, 2 or 4 channels, against the float64 reference: any
 * kernel, stride, dilation and padding, rows of outputs that see edges of the input or do not, and images in chunks.
 */
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import { Program } from '../../lib/program.ts';
import { Tensor } from '../../lib/tensor.ts';
import { conv2dCase } from '../cases/conv2d.ts';
import { gradientGraph, SEED, seedShape } from '../helpers/case_graph.ts';
import { checkGradient } from '../helpers/op_checks.ts';

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
/** A convolution that keeps the size of its maps, of kernels of an odd size. */
const sameSize = (x: Four, group: number, size: number) => {
  const pad = (size - 1) / 2;
  const padding: Four = [pad, pad, pad, pad];
  return { x, k: x[3], groups: x[3] / group, kernel: [size, size] as [number, number], padding };
};

describe.each(layouts)('%s', (layout) => {
  const device = devices.get(layout)!;
  const implementationOf = async (
    conv: Parameters<typeof conv2dCase>[1],
    convolutions: 'auto' | 'direct' | 'winograd' | 'strips' = 'auto',
  ) => {
    const other = await Device.open('cpu', { layout, convolutions });
    const graph = gradientGraph(conv2dCase('which', conv));
    const { name, shape } = graph.values.find(({ kind }) => kind === 'parameter')!;
    const tensor = new Tensor(other, name, shape);
    const program = await Program.compile(other, graph, new Map([[name, tensor]]));
    const seed = new Float32Array(sizeOf(seedShape(graph)));
    const profile = await program.profile({ 'input 0': new Float32Array(sizeOf(conv.x)), [SEED]: seed });
    program.dispose();
    tensor.dispose();
    other.dispose();
    return profile.find(({ op }) => op === 'conv2d_grad_weight')!.implementation;
  };

  test.each([1, 2, 4])('groups of %i channels, kernels of each width', async (group) => {
    for (const size of [1, 3, 5, 7, 9, 13]) {
      const conv = sameSize([2, 15, 17, 16], group, size);
      await checkGradient(device, conv2dCase('same', conv));
      await checkGradient(device, conv2dCase('stride 2', { ...conv, stride: [2, 2] }));
    }
  });

  test.each([1, 2, 4])(
    'groups of %i channels, rows shorter than the kernel and of each length',
    async (group) => {
      for (const columns of [1, 2, 3, 4, 5, 6, 7, 8, 9, 21])
        await checkGradient(device, conv2dCase('columns', sameSize([1, 3, columns, 8], group, 5)));
    },
  );

  test('more images than chunks, and more chunks than images', async () => {
    await checkGradient(device, conv2dCase('images', sameSize([70, 5, 5, 8], 4, 3)));
    await checkGradient(device, conv2dCase('vectors', sameSize([3, 5, 5, 584], 1, 5)));
  });

  test('random sizes', async () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    const padding = fc.integer({ min: 0, max: 4 });
    const arbitrary = fc.record({
      size: fc.tuple(upTo(4), upTo(14), upTo(14)),
      vectors: upTo(3),
      group: fc.constantFrom(1, 2, 4),
      kernel: fc.tuple(upTo(6), upTo(9)),
      stride: fc.tuple(upTo(3), upTo(3)),
      dilation: fc.tuple(upTo(3), upTo(3)),
      padding: fc.tuple(padding, padding, padding, padding),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ size, vectors, group, ...rest }) => {
        const [top, bottom, left, right] = rest.padding;
        const reach = (axis: 0 | 1) => (rest.kernel[axis] - 1) * rest.dilation[axis] + 1;
        fc.pre(size[1] + top + bottom >= reach(0) && size[2] + left + right >= reach(1));
        const channels = 8 * vectors;
        const conv = { ...rest, x: [...size, channels] as Four, k: channels, groups: channels / group };
        await checkGradient(device, conv2dCase('random', conv));
      }),
      { numRuns: 100, seed: 20261130 },
    );
  });

  test('compute what oneDNN would take longer for', async () => {
    const theirs = expect.not.stringContaining('group_gradient');
    const ours = device.description.includes('avx2,') ? 'group_gradient' : theirs;
    expect(await implementationOf(sameSize([1, 14, 14, 8], 1, 5))).toEqual(ours);
    expect(await implementationOf(sameSize([1, 14, 14, 8], 1, 3))).toEqual(theirs);
    expect(await implementationOf(sameSize([1, 56, 56, 8], 1, 3))).toEqual(ours);
    expect(await implementationOf(sameSize([1, 14, 14, 32], 4, 3))).toEqual(ours);
    expect(await implementationOf(sameSize([1, 14, 14, 64], 8, 3))).toEqual(theirs);
    expect(await implementationOf(sameSize([1, 14, 14, 12], 4, 3))).toEqual(theirs);
    expect(await implementationOf(sameSize([1, 14, 14, 8], 1, 3), 'strips')).toEqual(ours);
    for (const way of ['direct', 'winograd'] as const)
      expect(await implementationOf(sameSize([1, 14, 14, 8], 1, 5), way)).toEqual(theirs);
  });
});
