/** Initial weights: a pure function of (seed, index of the parameter). */
import { philox4x32, randomUse, seedKey } from '../data/random.ts';
import { sizeOf } from '../ir/graph.ts';
import type { Initializer, ParameterSpec } from '../layers/model_builder.ts';

/** Elements drawn before other work on the thread gets its turn, about a millisecond; even. */
const CHUNK = 1 << 14;

/** xoshiro128** (Blackman, Vigna 2018): a fast stream, started from four words of the counter-based generator. */
class UniformStream {
  /** Integers in an array and in local variables: as numbers of a closure each would be an object of its own. */
  readonly #state: Int32Array;

  constructor(seed: number, index: number) {
    this.#state = Int32Array.from(philox4x32([index, 0, randomUse.initialize, 0], seedKey(seed)));
  }

  /** The next numbers in (0, 1). */
  fill(numbers: Float64Array): void {
    const state = this.#state;
    let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
    for (let i = 0; i < numbers.length; i += 1) {
      const scrambled = Math.imul(b, 5);
      const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = (d << 11) | (d >>> 21);
      numbers[i] = (result + 0.5) / 2 ** 32;
    }
    state.set([a, b, c, d]);
  }
}

/** Values from as many uniform numbers, or one more where they are odd. */
function transform(
  initializer: Exclude<Initializer, { kind: 'constant' }>,
  uniform: Float64Array,
  values: Float32Array,
): void {
  switch (initializer.kind) {
    case 'uniform':
      for (let i = 0; i < values.length; i += 1) values[i] = (2 * uniform[i]! - 1) * initializer.bound;
      return;
    case 'heNormal': {
      // Box-Muller: two normal numbers from two uniform ones.
      const deviation = Math.sqrt(2 / initializer.fan);
      for (let i = 0; i < values.length; i += 2) {
        const radius = deviation * Math.sqrt(-2 * Math.log(uniform[i]!));
        const angle = 2 * Math.PI * uniform[i + 1]!;
        values[i] = radius * Math.cos(angle);
        // Past the end of an odd number of values this does nothing.
        values[i + 1] = radius * Math.sin(angle);
      }
    }
  }
}

/** The initial values of a parameter; leaves the event loop its turns on the way. */
export async function initialValues(
  { shape, initializer }: Pick<ParameterSpec, 'shape' | 'initializer'>,
  seed: number,
  index: number,
): Promise<Float32Array> {
  const values = new Float32Array(sizeOf(shape));
  if (initializer.kind === 'constant') return values.fill(initializer.value);
  const stream = new UniformStream(seed, index);
  const uniform = new Float64Array(Math.min(CHUNK, values.length + (values.length % 2)));
  for (let start = 0; start < values.length; start += CHUNK) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    stream.fill(uniform);
    transform(initializer, uniform, values.subarray(start, start + CHUNK));
  }
  return values;
}
