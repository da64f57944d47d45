/** What the CPU computes within a convolution: an activation behind it, and a residual whose memory it may take over. */
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { f32, type Graph } from '../../lib/ir/graph.ts';
import { activationKinds } from '../../lib/ops/activation.ts';
import { randomInputs, runOnDevice } from '../helpers/case_graph.ts';
import { expectClose } from '../helpers/close.ts';
import { interpret } from '../reference/index.ts';

const layouts = ['blocked8', 'channels_last'] as const;
const devices = new Map<string, Device>();
for (const layout of layouts) {
  devices.set(layout, await Device.open('cpu', { layout, convolutions: 'direct' }));
}
afterAll(() => {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
});

const CHANNELS = 16;
interface Kernel {
  readonly name: string;
  readonly size: 1 | 3;
  readonly groups: number;
}
const kernels: Kernel[] = [
  { name: '1x1', size: 1, groups: 1 },
  { name: '3x3', size: 3, groups: 1 },
  { name: 'depthwise', size: 3, groups: CHANNELS },
];

/** A graph of inputs alone, given to `body` with a function that emits a convolution of a map, perhaps with a residual. */
function graphOf(
  { size, groups }: Kernel,
  body: (
    builder: GraphBuilder,
    x: number,
    conv: (x: number, residual?: number, relu?: boolean) => number,
  ) => number[],
): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32(2, 5, 7, CHANNELS));
  const weight = builder.input('weight', f32(CHANNELS, CHANNELS / groups, size, size));
  const bias = builder.input('bias', f32(CHANNELS));
  const padding = size === 1 ? [0, 0, 0, 0] : [1, 1, 1, 1];
  const geometry = { stride: [1, 1], dilation: [1, 1], padding, groups };
  const conv = (from: number, residual = -1, relu = false) =>
    builder.emit('conv2d_fused', [from, weight, bias, -1, residual], { ...geometry, relu })[0]!;
  return builder.finish(body(builder, x, conv));
}

/** Checks the outputs against the reference; gives the steps back. */
async function stepsOf(device: Device, graph: Graph) {
  const feeds = randomInputs(graph, 'epilogue');
  const { outputs, steps } = await runOnDevice(device, graph, feeds);
  interpret(graph, feeds).forEach((expected, i) => {
    expectClose(outputs[i] as Float32Array, expected, { reduction: 18 * CHANNELS, dtype: 'f32' });
  });
  return steps.filter(({ op }) => op !== 'convert');
}

const checked = async (device: Device, graph: Graph) => (await stepsOf(device, graph)).map(({ op }) => op);

/**
 * A gated convolution, perhaps with a bias and a residual, whose output has as many elements as `size` says, and whose
 * weight is a parameter or given anew for each run.
 */
function gatedGraph(
  kernel: Kernel,
  channels: number,
  size: number,
  kind: 'parameter' | 'input',
  bias: boolean,
  residual: boolean,
  relu: boolean,
): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', f32(3, size, size, channels));
  const gate = builder.input('gate', f32(3, CHANNELS));
  const weight = builder[kind]('weight', f32(CHANNELS, channels / kernel.groups, kernel.size, kernel.size));
  const padding = Array(4).fill((kernel.size - 1) / 2);
  const geometry = { stride: [1, 1], dilation: [1, 1], padding, groups: kernel.groups };
  const operands = [
    ...[x, weight, bias ? builder.input('bias', f32(CHANNELS)) : -1, gate],
    residual ? builder.input('residual', f32(3, size, size, CHANNELS)) : -1,
  ];
  return builder.finish(builder.emit('conv2d_fused', operands, { ...geometry, relu }));
}

describe.each(layouts)('%s', (layout) => {
  const device = devices.get(layout)!;

  describe.each(kernels)('$name', (kernel) => {
    test.each(activationKinds)('%s behind it', async (kind) => {
      const graph = graphOf(kernel, (builder, x, conv) => builder.emit('activation', [conv(x)], { kind }));
      const within = ['relu', 'relu6', 'hard_swish'].includes(kind);
      expect(await checked(device, graph)).toEqual(
        within ? ['conv2d_fused'] : ['conv2d_fused', 'activation'],
      );
    });

    test('an activation of what others read, too, stays behind it', async () => {
      const graph = graphOf(kernel, (builder, x, conv) => {
        const y = conv(x);
        return [y, ...builder.emit('activation', [y], { kind: 'relu6' })];
      });
      expect(await checked(device, graph)).toEqual(['conv2d_fused', 'activation']);
    });

    test('an activation behind another stays', async () => {
      const graph = graphOf(kernel, (builder, x, conv) =>
        builder.emit('activation', [conv(x, undefined, true)], { kind: 'hard_swish' }),
      );
      expect(await checked(device, graph)).toEqual(['conv2d_fused', 'activation']);
    });

    test.each([
      [true, true, true],
      [true, false, false],
      [false, true, true],
      [false, false, true],
    ])('a gate, bias %s, residual %s, ReLU %s', async (...parts) => {
      // Twelve channels fill no blocks.
      for (const channels of kernel.groups === 1 ? [CHANNELS, 12] : [CHANNELS]) {
        const weight = CHANNELS * channels * kernel.size ** 2;
        for (const size of [3, 7, 11, 31]) {
          // Images that are large beside a weight which stays have one of their own.
          const isLarge = kernel.groups === 1 && 6 * weight <= size * size * CHANNELS;
          const [kept] = await stepsOf(device, gatedGraph(kernel, channels, size, 'parameter', ...parts));
          expect(kept!.implementation.includes('gated weight')).toBe(isLarge);
          const [given] = await stepsOf(device, gatedGraph(kernel, channels, size, 'input', ...parts));
          expect(given!.implementation).not.toContain('gated weight');
        }
      }
    });

    test.each([true, false])('a residual that nothing reads later, ReLU %s', async (relu) => {
      const graph = graphOf(kernel, (_, x, conv) => [conv(conv(x), conv(conv(x)), relu)]);
      await checked(device, graph);
    });

    test.each([true, false])('a residual that is read later, ReLU %s', async (relu) => {
      const graph = graphOf(kernel, (builder, x, conv) => {
        const residual = conv(x);
        const y = conv(residual, residual, relu);
        return builder.emit('add', [conv(y, x, relu), residual]);
      });
      await checked(device, graph);
    });
  });
});
