// Pseudo-random numbers that every contender can make for itself, in Python too (bench/peers/tensors.py).

/** Values of -0.5 to 0.5 by a hash of place and seed. */
export function hashed(length, seed = 0) {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i += 1) {
    let h = Math.imul(i + seed * 0x10001, 0x9e3779b1) >>> 0;
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) >>> 0;
    values[i] = ((h ^ (h >>> 13)) >>> 0) / 2 ** 32 - 0.5;
  }
  return values;
}
