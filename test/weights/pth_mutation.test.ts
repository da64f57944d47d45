/** Thousands of damaged files of PyTorch's two formats: refused with a senet error or read whole, quickly, in little memory. */
import { expect, test } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { MemorySource } from '../../lib/io/byte_source.ts';
import { openWeightSource } from '../../lib/io/open_weights.ts';
import { seeded } from '../io/build.ts';
import { keyList, stateDict, streamFile, validPth, zipFile } from './build_pth.ts';

const seed = 20241124;
const count = 5_000;

const pickle = stateDict({
  a: { elements: 6, shape: [2, 3], strides: [3, 1] },
  b: { elements: 6, offset: 2, shape: [2, 2], strides: [1, 2] },
  c: { key: '1', type: 'torch.LongStorage', elements: 1, shape: [], strides: [] },
});
const storages = [new Uint8Array(24), new Uint8Array(8)] as const;

/** A whole file around a pickle, so that checksums and lengths are right. */
const around = {
  zip: (bytes: Uint8Array) => zipFile(bytes, { 0: storages[0], 1: storages[1] }),
  stream: (bytes: Uint8Array) =>
    streamFile(bytes, {
      keys: keyList('0', '1'),
      storages: [
        [6, storages[0]],
        [1, storages[1]],
      ],
    }),
};

/** Flips, overwrites, removes, inserts, moves or cuts bytes, or writes numbers that lengths should not be. */
function mutate(original: Uint8Array, random: () => number): Uint8Array {
  const bytes = [...original];
  const below = (limit: number) => Math.floor(random() * limit);
  const changes = 1 + below(3);
  for (let i = 0; i < changes; i += 1) {
    const at = below(bytes.length);
    const kind = below(10);
    if (kind < 3) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else if (kind < 5) bytes[at] = below(256);
    else if (kind === 5) bytes.splice(at, 1 + below(4));
    else if (kind === 6) bytes.splice(at, 0, ...bytes.slice(below(bytes.length)).slice(0, below(40)));
    else if (kind === 7) bytes.splice(at, 8, ...bytes.slice(at + 8, at + 16));
    else if (kind === 8) {
      const value = [0, 1, 0x7f, 0xff][below(4)]!;
      for (let j = at; j < Math.min(at + [2, 4, 8][below(3)]!, bytes.length); j += 1) bytes[j] = value;
    } else if (random() < 0.3) bytes.length = at;
  }
  return Uint8Array.from(bytes);
}

/** Bytes in memory that count what is asked for. */
class CountingSource extends MemorySource {
  asked = 0;

  override async read(target: Uint8Array, position: number): Promise<void> {
    this.asked = Math.max(this.asked, target.byteLength);
    await super.read(target, position);
  }
}

test.each(['zip', 'stream'] as const)(
  `survives ${count} mutated files: %s`,
  { timeout: 60_000 },
  async (kind) => {
    const random = seeded(seed);
    const valid = validPth(kind);
    const outcomes = { accepted: 0, container: 0, pickle: 0, tensor: 0 };
    let [slowest, largest] = [0, 0];
    for (let i = 0; i < count; i += 1) {
      const bytes = i % 2 === 0 ? mutate(valid, random) : around[kind](mutate(pickle, random));
      const source = new CountingSource('mutated', bytes);
      const held = process.memoryUsage().arrayBuffers;
      const start = performance.now();
      try {
        const file = await openWeightSource(source);
        for (const tensor of file.tensors.values()) {
          const { data } = await tensor.read();
          expect(data.byteLength).toBe(tensor.byteLength);
          if (tensor.isFloat)
            expect((await tensor.toFloat32()).length).toBe(tensor.shape.reduce((n, d) => n * d, 1));
        }
        outcomes.accepted += 1;
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        if (/^mutated: (tensor|storage) '/.test(error.message)) outcomes.tensor += 1;
        else if (/, byte \d+: /.test(error.message)) outcomes.pickle += 1;
        else outcomes.container += 1;
      }
      slowest = Math.max(slowest, performance.now() - start);
      largest = Math.max(largest, source.asked - bytes.byteLength, process.memoryUsage().arrayBuffers - held);
    }
    console.log(
      `seed ${seed}, ${kind}: ${outcomes.accepted} accepted, rejected by container ${outcomes.container}, by pickle ` +
        `${outcomes.pickle}, by tensor ${outcomes.tensor}; slowest ${slowest.toFixed(1)} ms, most memory ${largest} bytes`,
    );
    expect(outcomes.pickle + outcomes.tensor + outcomes.accepted).toBeGreaterThan(count * 0.3);
    expect(slowest).toBeLessThan(1000);
    expect(largest).toBeLessThan(16 * 2 ** 20);
  },
);
