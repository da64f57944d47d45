/** The walk that prepares batches ahead. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../lib/data/dataset.ts';
import { BatchStream } from '../../lib/images/batch_stream.ts';

const settled = async () => {
  for (let i = 0; i < 20; i++) await setImmediate();
};

/** A walk over batches of three samples; what was begun is kept, and samples are done when the gate lets them. */
function make(
  count: number,
  { ahead = 2, atOnce = 2, gate = (_: string): Promise<void> => setImmediate() } = {},
) {
  const begun: string[] = [];
  let running = 0;
  let most = 0;
  const stream = new BatchStream(
    count,
    (batch) => ({
      size: 3,
      prepare: async (slot) => {
        begun.push(`${batch}.${slot}`);
        running += 1;
        most = Math.max(most, running);
        await gate(`${batch}.${slot}`).finally(() => {
          running -= 1;
        });
      },
      finish: (): Batch => ({ images: Float32Array.of(batch), labels: new Int32Array(3), size: 3 }),
    }),
    { ahead, atOnce },
  );
  return { stream, begun, running: () => running, most: () => most };
}

describe('BatchStream', () => {
  test('gives all batches in order, samples several at once', async () => {
    const { stream, begun, most } = make(5, { atOnce: 4 });
    const found: number[] = [];
    for await (const { images } of stream) found.push(images[0]!);
    expect(found).toEqual([0, 1, 2, 3, 4]);
    expect(begun).toEqual([...begun].sort());
    expect([begun.length, most()]).toEqual([15, 4]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('begins nothing unasked, and stays a bounded number of batches ahead', async () => {
    const { stream, begun } = make(9, { ahead: 2 });
    await settled();
    expect(begun).toEqual([]);
    await stream.next();
    await settled();
    // The first and two more, whatever time there is.
    expect(begun.length).toBe(9);
    await stream.next();
    await settled();
    expect(begun.length).toBe(12);
    await stream.return();
  });

  test('return begins nothing more and waits for what runs', async () => {
    const { stream, begun, running } = make(9, { atOnce: 3, gate: () => setTimeout(20) });
    await stream.next();
    expect(running()).toBeGreaterThan(0);
    const before = begun.length;
    expect(await stream.return()).toEqual({ done: true, value: undefined });
    expect([running(), begun.length]).toEqual([0, before]);
    await setTimeout(50);
    expect(begun.length).toBe(before);
    expect((await stream.next()).done).toBe(true);
  });

  test('return ends a walk that waits', async () => {
    const { stream } = make(2, { gate: () => setTimeout(30) });
    const waiting = stream.next();
    await stream.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('several may be asked for at once', async () => {
    const { stream } = make(3, { ahead: 1 });
    const found = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    expect(found.map(({ value }) => value?.images[0])).toEqual([0, 1, 2, undefined]);
  });

  test('an error comes with its batch, and ends the walk', async () => {
    const gate = async (sample: string) => {
      await setImmediate();
      if (sample === '1.1') throw new Error('torn');
    };
    const { stream, running, begun } = make(9, { gate });
    expect((await stream.next()).value?.images[0]).toBe(0);
    await settled();
    await expect(stream.next()).rejects.toThrow('torn');
    expect(running()).toBe(0);
    const before = begun.length;
    expect((await stream.next()).done).toBe(true);
    await settled();
    expect(begun.length).toBe(before);
  });
});
