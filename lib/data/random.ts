/**
 * Random numbers without state: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
 * maps a 128-bit counter and a 64-bit key to 128 random bits. The key is the seed; the counter names the use, so
 * any number can be had at any time in any order, and a resumed run has nothing to replay.
 */

/** Four words of 32 bits, each a whole number in [0, 2^32). */
export type Words4 = readonly [number, number, number, number];
/** Two words of 32 bits, each a whole number in [0, 2^32). */
export type Words2 = readonly [number, number];

/**
 * What the random numbers of a counter are for: the third word of every counter used here, so that uses never share
 * numbers.
 */
export const randomUse = {
  order: 1,
  shift: 2,
  initialize: 3,
  resizedCrop: 5,
  rotate: 6,
  colorJitter: 7,
  cutout: 8,
  randomErasing: 9,
  mix: 10,
  split: 11,
} as const;

/** Gives one random number in [0, 1) after another. */
export type Draw = () => number;

/** The upper 32 bits of the product of two 32-bit words, in 16-bit halves to stay exact. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const middle2 = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (middle2 >>> 16)) >>> 0;
}

/**
 * Philox4x32 with ten rounds.
 *
 * @param counter four 32-bit words, least significant first
 * @param key two 32-bit words, least significant first
 */
export function philox4x32(counter: Words4, key: Words2): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The key of a seed, a whole number in [0, 2^53-1]. */
export function seedKey(seed: number): Words2 {
  return [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
}

/** The numbers of one sample and use: the words of the counters [index, epoch, use, 0], [index, epoch, use, 1], … */
export function draws(key: Words2, index: number, epoch: number, use: number): Draw {
  let block = 0;
  let words: readonly number[] = [];
  let next = 0;
  return () => {
    if (next === words.length) {
      words = philox4x32([index, epoch, use, block], key);
      block += 1;
      next = 0;
    }
    return words[next++]! / 2 ** 32;
  };
}

/** A number between two, from one in [0, 1). */
export const between = ([low, high]: readonly [number, number], random: number): number =>
  low + (high - low) * random;

/**
 * Maps a random word to a whole number in [0, limit). The values' chances differ by at most limit / 2^32 of
 * themselves, which no use here can notice.
 */
export function below(word: number, limit: number): number {
  return Math.floor((word / 2 ** 32) * limit);
}

/**
 * The order of an epoch: a permutation of 0 ... size-1 that depends on nothing but its arguments (Fisher-Yates from
 * the end; the swap of position i takes word i % 4 of the counter [i / 4, epoch, use, 0]).
 *
 * @param size at most 2^32
 * @param seed whole number in [0, 2^53-1]
 * @param epoch whole number in [0, 2^32)
 */
export function permutation(size: number, seed: number, epoch: number): Uint32Array {
  const order = new Uint32Array(size);
  for (let i = 0; i < size; i++) order[i] = i;
  const key = seedKey(seed);
  let block = -1;
  let words: Words4 = [0, 0, 0, 0];
  for (let i = size - 1; i > 0; i--) {
    if (i >>> 2 !== block) {
      block = i >>> 2;
      words = philox4x32([block, epoch, randomUse.order, 0], key);
    }
    const j = below(words[i & 3]!, i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
