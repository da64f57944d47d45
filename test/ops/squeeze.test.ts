/** Means that the CPU takes along while a convolution of its own writes a map, against pools that read it again. */
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../../lib/device.ts';
import { GraphBuilder } from '../../lib/graph/builder.ts';
import { f32, type Graph } from '../../lib/ir/graph.ts';
import { Program } from '../../lib/program.ts';
import { randomInputs, runOnDevice } from '../helpers/case_graph.ts';
import { expectClose } from '../helpers/close.ts';
import { interpret } from '../reference/index.ts';

const options = (['strips', 'winograd', 'direct'] as const).flatMap((convolutions) =>
  (['blocked8', 'channels_last'] as const).flatMap((layout) =>
    [1, 2].map((threads) => ({ convolutions, layout, threads })),
  ),
);
type Options = (typeof options)[number];
const devices = new Map<Options, Device>();
for (const each of options) devices.set(each, await Device.open('cpu', each));
afterAll(() => {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
});

interface Sizes {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernel: 1 | 3;
  readonly groups?: number;
}

/** A convolution with all that rides on it, and pools of what it writes; their outputs, and the map if `keeps`. */
function graphOf(
  { images, height, width, channels, kernel, groups = 1 }: Sizes,
  pools: number,
  keeps: boolean,
) {
  const builder = new GraphBuilder();
  const map = f32(images, height, width, channels);
  const operands = [
    builder.input('x', map),
    builder.input('weight', f32(channels, channels / groups, kernel, kernel)),
    builder.input('bias', f32(channels)),
    builder.input('gate', f32(images, channels)),
    builder.input('residual', map),
  ];
  const padding = Array(4).fill((kernel - 1) / 2);
  const geometry = { stride: [1, 1], dilation: [1, 1], padding, groups };
  const [y] = builder.emit('conv2d_fused', operands, { ...geometry, relu: true });
  const means = Array.from({ length: pools }, () => builder.emit('global_avg_pool', [y!])[0]!);
  return builder.finish(keeps ? [y!, ...means] : means);
}

/** Checks the outputs against the reference; gives the ops of the steps back. */
async function checked(device: Device, graph: Graph): Promise<string[]> {
  const feeds = randomInputs(graph, 'squeeze');
  const { outputs } = await runOnDevice(device, graph, feeds);
  const reduction = graph.values
    .find(({ name }) => name === 'weight')!
    .shape.slice(1)
    .reduce((a, b) => a * b);
  interpret(graph, feeds).forEach((expected, i) => {
    expectClose(outputs[i] as Float32Array, expected, { reduction: 2 * reduction, dtype: 'f32' });
  });
  const program = await Program.compile(device, graph, new Map());
  const ops = program.steps.map(({ op }) => op).filter((op) => op !== 'convert');
  program.dispose();
  return ops;
}

const small = { images: 3, height: 5, width: 7, channels: 16 };

describe.each(options)('$convolutions, $layout, $threads thread(s)', (each) => {
  const device = devices.get(each)!;
  // Strips are for AVX2 alone.
  const isStrips = each.convolutions === 'strips' && device.description.includes('avx2,');
  const takesAlong = (kernel: 1 | 3) => isStrips || (each.convolutions === 'winograd' && kernel === 3);

  test.each([
    { ...small, kernel: 3 },
    { ...small, kernel: 1 },
    { ...small, images: 1, channels: 264, kernel: 1 },
    { images: 1, height: 61, width: 58, channels: 24, kernel: 3 },
    { images: 1, height: 7, width: 7, channels: 72, kernel: 3 },
  ] satisfies Sizes[])('$images x $height x $width x $channels, kernel $kernel', async (sizes) => {
    const pool = takesAlong(sizes.kernel) ? [] : ['global_avg_pool'];
    for (const keeps of [true, false]) {
      expect(await checked(device, graphOf(sizes, 1, keeps))).toEqual(['conv2d_fused', ...pool]);
    }
  });

  test('groups of 4 channels', async () => {
    const pool = isStrips ? [] : ['global_avg_pool'];
    const graph = graphOf({ ...small, kernel: 3, groups: 4 }, 1, true);
    expect(await checked(device, graph)).toEqual(['conv2d_fused', ...pool]);
  });

  test('a second pool reads the map', async () => {
    const pools = Array(takesAlong(3) ? 1 : 2).fill('global_avg_pool');
    expect(await checked(device, graphOf({ ...small, kernel: 3 }, 2, true))).toEqual([
      'conv2d_fused',
      ...pools,
    ]);
  });
});
