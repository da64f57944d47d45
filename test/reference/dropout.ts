import { flagOf, numberOf } from './attributes.ts';
import { given, map, type References } from './tensor.ts';

const mask32 = 0xffffffffn;

/** Philox4x32-10 (Salmon et al., 2011): four 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(counter: readonly number[], key: readonly number[]): [number, number, number, number] {
  let [a, b, c, d] = [0, 1, 2, 3].map((i) => BigInt(counter[i]! >>> 0)) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = [BigInt(key[0]! >>> 0), BigInt(key[1]! >>> 0)];
  for (let round = 0; round < 10; round++) {
    const left = 0xd2511f53n * a;
    const right = 0xcd9e8d57n * c;
    [a, b, c, d] = [(right >> 32n) ^ b ^ k0, right & mask32, (left >> 32n) ^ d ^ k1, left & mask32];
    k0 = (k0 + 0x9e3779b9n) & mask32;
    k1 = (k1 + 0xbb67ae85n) & mask32;
  }
  return [Number(a), Number(b), Number(c), Number(d)];
}

export const reference = {
  dropout(inputs, attributes) {
    const x = given(inputs, 0, 'dropout x');
    const key = Array.from(given(inputs, 1, 'dropout key').data);
    const rate = numberOf(attributes, 'rate');
    const stream = numberOf(attributes, 'stream');
    const size = flagOf(attributes, 'whole') ? x.data.length / x.shape[0]! : 1;
    return [
      map(x, (value, element) => {
        const i = Math.floor(element / size);
        const quad = Math.floor(i / 4);
        const words = philox([quad % 2 ** 32, Math.floor(quad / 2 ** 32), stream, 0], key);
        return words[i % 4]! * 2 ** -32 >= rate ? value / (1 - rate) : 0;
      }),
    ];
  },
} satisfies References;
