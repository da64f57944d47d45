import { describe, expect, it } from 'vitest';
import { below, permutation, philox4x32, seedKey, type Words2, type Words4 } from '../../lib/data/random.ts';

describe('philox4x32', () => {
  it.each<[Words4, Words2, string]>([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      '408f276d 41c83b0e a20bc7c6 6d5451fd',
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('gives the published answer for counter %o, key %o', (counter, key, answer) => {
    const words = philox4x32(counter, key).map((word) => word.toString(16).padStart(8, '0'));
    expect(words.join(' ')).toBe(answer);
  });

  it('agrees with the algorithm in 64-bit integers', () => {
    const reference = (counter: Words4, key: Words2) => {
      let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
      let [k0, k1] = key.map(BigInt) as [bigint, bigint];
      for (let round = 0; round < 10; round++) {
        const p0 = 0xd2511f53n * c0;
        const p1 = 0xcd9e8d57n * c2;
        [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & 0xffffffffn, (p0 >> 32n) ^ c3 ^ k1, p0 & 0xffffffffn];
        k0 = (k0 + 0x9e3779b9n) & 0xffffffffn;
        k1 = (k1 + 0xbb67ae85n) & 0xffffffffn;
      }
      return [c0, c1, c2, c3].map(Number);
    };
    let state: Words4 = [1, 2, 3, 4];
    for (let i = 0; i < 500; i++) {
      const key: Words2 = [state[1], state[3]];
      const next = philox4x32(state, key);
      expect(next).toEqual(reference(state, key));
      state = next;
    }
  });
});

it('seedKey splits seeds above 32 bits', () => {
  expect(seedKey(7)).toEqual([7, 0]);
  expect(seedKey(2 ** 32 + 5)).toEqual([5, 1]);
  expect(seedKey(Number.MAX_SAFE_INTEGER)).toEqual([0xffffffff, 0x1fffff]);
});

it('below stays below its limit', () => {
  for (const limit of [1, 2, 3, 60_000, 2 ** 31, 2 ** 32]) {
    expect(below(0, limit)).toBe(0);
    expect(below(0xffffffff, limit)).toBe(limit - 1);
  }
});

describe('permutation', () => {
  it('holds every number once, for any size', () => {
    for (const size of [1, 2, 3, 4, 5, 7, 100, 4097]) {
      expect([...permutation(size, 1, 0)].sort((a, b) => a - b)).toEqual(
        Array.from({ length: size }, (_, i) => i),
      );
    }
    expect(permutation(0, 1, 0).length).toBe(0);
  });

  it('depends on seed and epoch, and on nothing else', () => {
    const orders = [
      [1, 0],
      [1, 1],
      [2, 0],
      [2 ** 32 + 1, 0],
      [1, 2 ** 32 - 1],
    ].map(([seed, epoch]) => permutation(1000, seed!, epoch!).join());
    expect(new Set(orders).size).toBe(orders.length);
    expect(permutation(1000, 1, 1).join()).toBe(orders[1]);
  });

  it('is the published one: resumed runs of later versions must see the same order', () => {
    expect([...permutation(10, 7, 3)]).toMatchInlineSnapshot(`
      [
        4,
        0,
        9,
        7,
        8,
        5,
        3,
        1,
        2,
        6,
      ]
    `);
  });

  it('gives every order of four elements about equally often', () => {
    const counts = new Map<string, number>();
    const trials = 24_000;
    for (let epoch = 0; epoch < trials; epoch++) {
      const order = permutation(4, 5, epoch).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // Chi-squared with 23 degrees of freedom: 49.7 is passed by chance once in a thousand.
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi).toBeLessThan(49.7);
  });
});
