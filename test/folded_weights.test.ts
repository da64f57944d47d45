/** Folded weights that are packed: their own memory is another's while a program runs, and they follow the parameters. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Device } from '../lib/device.ts';
import { GraphBuilder } from '../lib/graph/builder.ts';
import { ABSENT, f32 } from '../lib/ir/graph.ts';
import { Program } from '../lib/program.ts';
import { Tensor } from '../lib/tensor.ts';
import { Random } from './helpers/random.ts';
import { closeDevices, deviceNames, openDevices } from './ops/devices.ts';

const devices = await openDevices();
afterAll(() => closeDevices(devices));

const CHANNELS = 32;
const LAYERS = ['first', 'second', 'third'];
const norm = ['gamma', 'beta', 'mean', 'variance'] as const;
const conv = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1, relu: true };

/** Three convolutions of 3x3 in a row, with their norms folded into them or without norms. */
function chain(isFolded: boolean) {
  const builder = new GraphBuilder();
  let x = builder.input('x', f32(2, 8, 8, CHANNELS));
  for (const layer of LAYERS) {
    builder.layer = layer;
    let weight = builder.parameter(`${layer}.weight`, f32(CHANNELS, CHANNELS, 3, 3));
    let bias: number = ABSENT;
    if (isFolded) {
      const given = norm.map((name) => builder.parameter(`${layer}.${name}`, f32(CHANNELS)));
      [weight, bias] = builder.emit('fold_batch_norm', [weight, ABSENT, ...given], { eps: 0 }) as [
        number,
        number,
      ];
    }
    [x] = builder.emit('conv2d_fused', [x, weight, bias], conv) as [number];
  }
  return builder.finish([x]);
}

/** A chain on a device, with values of the same random weights in each, and all norms gamma * x. */
async function compile(device: Device, isFolded: boolean) {
  const graph = chain(isFolded);
  const kept = graph.values.filter(({ kind }) => kind === 'parameter');
  const tensors = new Map(kept.map(({ name, shape }) => [name, new Tensor(device, name, shape)]));
  const write = (values: ReadonlyMap<string, Float32Array>) =>
    device.write(
      [...values.keys()].map((name) => tensors.get(name)!.handle),
      [...values.values()],
    );
  const random = new Random('folded weights');
  await write(
    new Map(
      kept.map(({ name, shape }) => {
        const size = shape.reduce((a, b) => a * b);
        const isWeight = name.endsWith('weight');
        const one = name.endsWith('gamma') || name.endsWith('variance') ? 1 : 0;
        return [name, Float32Array.from({ length: size }, () => (isWeight ? random.uniform(-1, 1) : one))];
      }),
    ),
  );
  const program = await Program.compile(device, graph, tensors);
  const dispose = () => {
    program.dispose();
    for (const tensor of tensors.values()) tensor.dispose();
  };
  return { program, write, dispose };
}

describe.each(deviceNames)('on %s', (name) => {
  test('take no memory beside their packed form, and are folded anew when a parameter changes', async () => {
    const device = devices.get(name)!;
    const plain = await compile(device, false);
    const folded = await compile(device, true);
    // Biases alone: what is packed is packed in both.
    const biases = LAYERS.length * CHANNELS * 4;
    expect(folded.program.constantBytes - plain.program.constantBytes).toBe(biases);

    const x = new Float32Array(2 * 8 * 8 * CHANNELS).map((_, i) => (i % 7) / 7);
    const [expected] = await plain.program.run({ x });
    for (let run = 0; run < 2; run += 1) expect(await folded.program.run({ x })).toEqual([expected]);
    // Powers of two, so that nothing is rounded otherwise.
    await folded.write(
      new Map(LAYERS.map((layer) => [`${layer}.gamma`, new Float32Array(CHANNELS).fill(2)])),
    );
    const [doubled] = await folded.program.run({ x });
    expect(doubled).toEqual(Float32Array.from(expected!, (value) => 8 * value));
    plain.dispose();
    folded.dispose();
  });
});
