/** What the checks share: the project's TypeScript, compiled by this folder's tsconfig.json, and small helpers. */

/** A module of build/gpu-check, by its path from the root of the project. */
export const built = (path) => import(new URL(`../../build/gpu-check/${path}`, import.meta.url).href);

export const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

/** The largest difference of two lists. */
export const largest = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

/** Numbers between -1.7 and 1.7, uniform, which have a deviation near 1 as normalised pixels have. */
export function noise(length, seed = 1) {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 3.4;
  });
}

/** What is checked in a precision: the bits that it keeps of a map or a factor, and the smallest number. */
export const kept = {
  float32: { bits: 24 },
  tf32: { bits: 11 },
  float16: { bits: 11, step: 2 ** -24 },
  bfloat16: { bits: 8 },
};
