/** Inputs that wait for their run: their own copy, two sets at a time, and given back whatever happens. */
import { afterAll, describe, expect, test } from 'vitest';
import { Device, liveNativeObjects } from '../lib/device.ts';
import { ArgumentError, DisposedError, ShapeError } from '../lib/errors.ts';
import { GraphBuilder } from '../lib/graph/builder.ts';
import { f32 } from '../lib/ir/graph.ts';
import { Program } from '../lib/program.ts';
import { cudaSimLibrary } from './helpers/cuda_sim.ts';
import { simulatedObjects } from './helpers/sim_objects.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;
const names = ['cpu', 'cuda'] as const;
const devices = new Map<string, Device>();
for (const name of names) devices.set(name, await Device.open(name));
afterAll(() => {
  for (const device of devices.values()) device.dispose();
  expect(liveNativeObjects()).toBe(0);
  expect(simulatedObjects()).toBe(0);
});

/** A program for a + b of so many numbers. */
async function sum(name: string, count = 3): Promise<Program> {
  const builder = new GraphBuilder();
  const [a, b] = ['a', 'b'].map((input) => builder.input(input, f32(1, 1, 1, count)));
  return Program.compile(devices.get(name)!, builder.finish(builder.emit('add', [a!, b!])), new Map());
}
const of = (...values: number[]) => Float32Array.from(values);

describe.each(names)('on %s', (device) => {
  test('arrays can be used again once they are staged', async () => {
    using program = await sum(device);
    const a = of(1, 2, 3);
    const staged = await program.stage({ a, b: a });
    a.fill(7);
    expect(await staged.run()).toEqual([of(2, 4, 6)]);
  });

  test('inputs can be added later', async () => {
    using program = await sum(device);
    const staged = await program.stage({ a: of(1, 2, 3) });
    await expect(staged.run()).rejects.toThrow('b: expected a value, received none');
    await staged.add({ b: of(3, 2, 1) });
    expect(await staged.run()).toEqual([of(4, 4, 4)]);
    await expect(staged.run()).rejects.toBeInstanceOf(DisposedError);
  });

  test('the third waits until one has been run or discarded', async () => {
    using program = await sum(device);
    const one = await program.stage({ a: of(1, 1, 1), b: of(1, 1, 1) });
    const two = await program.stage({ a: of(2, 2, 2), b: of(2, 2, 2) });
    let arrived = false;
    const waiting = program.stage({ a: of(3, 3, 3), b: of(3, 3, 3) }).then((three) => {
      arrived = true;
      return three;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(arrived).toBe(false);
    expect(await two.run()).toEqual([of(4, 4, 4)]);
    const three = await waiting;
    one.discard();
    one.discard();
    expect(await three.run()).toEqual([of(6, 6, 6)]);
  });

  test('many runs at once keep their inputs apart', async () => {
    using program = await sum(device);
    const runs = Array.from({ length: 40 }, (_, i) => program.run({ a: of(i, i, i), b: of(0, 1, 2) }));
    expect(await Promise.all(runs)).toEqual(runs.map((_, i) => [of(i, i + 1, i + 2)]));
  });

  test('a large input arrives whole, and lets the event loop have its turns', async () => {
    const count = (1 << 21) + 5;
    using program = await sum(device, count);
    const a = Float32Array.from({ length: count }, (_, i) => i % 1000);
    let turns = 0;
    const timer = setImmediate(function turn() {
      turns += 1;
      if (turns < 1000) setImmediate(turn);
    });
    const staged = await program.stage({ a, b: new Float32Array(count) });
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(1);
    const [output] = await staged.run();
    expect(output!.every((value, i) => value === i % 1000)).toBe(true);
  });

  test('what cannot be staged is refused, and takes no place', async () => {
    using program = await sum(device);
    for (let i = 0; i < 3; i += 1) {
      await expect(program.stage({ a: of(1) })).rejects.toBeInstanceOf(ShapeError);
      await expect(program.stage({ a: new Int32Array(3) })).rejects.toBeInstanceOf(ArgumentError);
    }
    expect(await program.run({ a: of(1, 2, 3), b: of(1, 1, 1) })).toEqual([of(2, 3, 4)]);
  });

  test('an array that is transferred meanwhile is an error', async () => {
    const count = 1 << 21;
    using program = await sum(device, count);
    const a = new Float32Array(count);
    const staged = await program.stage({});
    const adding = staged.add({ a });
    structuredClone(a, { transfer: [a.buffer] });
    await expect(adding).rejects.toThrow('transferred');
    staged.discard();
  });

  test('a program that is gone: what is staged still runs, what waits is told', async () => {
    const program = await sum(device);
    const one = await program.stage({ a: of(1, 2, 3), b: of(1, 2, 3) });
    const two = await program.stage({ a: of(1, 2, 3), b: of(1, 2, 3) });
    const waiting = program.stage({ a: of(1, 2, 3) });
    await new Promise((resolve) => setImmediate(resolve));
    program.dispose();
    await expect(waiting).rejects.toBeInstanceOf(DisposedError);
    expect(await one.run()).toEqual([of(2, 4, 6)]);
    two.discard();
  });
});
