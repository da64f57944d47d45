/** Initial weights: a pure function of (seed, index of the parameter). */
import { philox4x32, randomUse, seedKey } from '../data/random.ts';
import { sizeOf } from '../ir/graph.ts';
import type { Initializer, ParameterSpec } from '../layers/model_builder.ts';

/** Elements drawn before other work on the thread gets its turn: about a millisecond. */
const CHUNK = 1 << 15;

/** xoshiro128** (Blackman, Vigna 2018): a fast stream, started from four words of the counter-based generator. */
function uniformStream(seed: number, index: number): () => number {
  let [a, b, c, d] = philox4x32([index, 0, randomUse.initialize, 0], seedKey(seed));
  return () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return (result + 0.5) / 2 ** 32;
  };
}

function sampler(initializer: Initializer, uniform: () => number): () => number {
  switch (initializer.kind) {
    case 'constant':
      return () => initializer.value;
    case 'uniform':
      return () => (2 * uniform() - 1) * initializer.bound;
    case 'heNormal': {
      // Box-Muller: two normal numbers from two uniform ones.
      const deviation = Math.sqrt(2 / initializer.fan);
      let spare: number | undefined;
      return () => {
        if (spare !== undefined) {
          const value = spare;
          spare = undefined;
          return value;
        }
        const radius = deviation * Math.sqrt(-2 * Math.log(uniform()));
        const angle = 2 * Math.PI * uniform();
        spare = radius * Math.sin(angle);
        return radius * Math.cos(angle);
      };
    }
  }
}

/** The initial values of a parameter; leaves the event loop its turns on the way. */
export async function initialValues(spec: ParameterSpec, seed: number, index: number): Promise<Float32Array> {
  const values = new Float32Array(sizeOf(spec.shape));
  if (spec.initializer.kind === 'constant') return values.fill(spec.initializer.value);
  const sample = sampler(spec.initializer, uniformStream(seed, index));
  for (let start = 0; start < values.length; start += CHUNK) {
    const end = Math.min(start + CHUNK, values.length);
    for (let i = start; i < end; i += 1) values[i] = sample();
    if (end < values.length) await new Promise((resolve) => setImmediate(resolve));
  }
  return values;
}
