/**
 * What a case of an op is: its inputs as recipes, its attributes, and which gradients can be checked. One table per op
 * feeds the reference's own tests, the devices' tests and the benchmarks.
 */
import { type Attributes, type DType, sizeOf } from '../../lib/ir/graph.ts';
import { Random } from '../helpers/random.ts';
import { type RefTensor, tensor } from '../reference/tensor.ts';

/**
 * How values are made. `normal`: mean and deviation as given. `positive`: uniform in [0.5, 1.5]. `apart`: normal
 * values at least 0.02 from zero, for kinks there. `distinct`: all different by at least 0.02 and as far from zero,
 * for maxima. `distribution`: rows that sum to 1. `labels`: integers below `limit`. `words`: any 32-bit integers.
 * `sparse`: integers from -2 to 2, about half of them zero, the first one not.
 */
export type Fill =
  | 'normal'
  | 'positive'
  | 'apart'
  | 'distinct'
  | 'distribution'
  | 'labels'
  | 'words'
  | 'sparse';

export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** `data` is given anew for each run, a `parameter` is learned, a `state` is kept between runs. */
  readonly role: 'data' | 'parameter' | 'state';
  readonly fill: Fill;
  readonly mean?: number;
  readonly deviation?: number;
  /** Classes of `labels`. */
  readonly limit?: number;
  /** Sets one channel (last dimension) to one value everywhere. */
  readonly constant?: { readonly channel: number; readonly value: number };
}

export interface OpCase {
  /** Unique within the op. */
  readonly name: string;
  readonly op: string;
  /** By position; undefined for an optional input that is absent. */
  readonly inputs: readonly (InputSpec | undefined)[];
  readonly attributes: Attributes;
  /** Input positions whose gradients are checked; true for every float input that is not a state. */
  readonly gradient: boolean | readonly number[];
  /** Whether sparse integer inputs give results that float32 holds exactly, gradients included. */
  readonly integers?: boolean;
  /** Extra absolute tolerances of outputs and of gradients, where the case's condition needs them. */
  readonly tolerance?: { readonly forward: number; readonly gradient: number; readonly reason: string };
  /** Input positions that the op changes in place. */
  readonly mutates?: readonly number[];
}

type Options = Partial<Omit<InputSpec, 'shape' | 'role'>>;

/** A float32 data input, normal by default. */
export const data = (shape: readonly number[], options: Options = {}): InputSpec => ({
  shape,
  dtype: 'f32',
  role: 'data',
  fill: 'normal',
  ...options,
});

/** Weights, scaled so that outputs keep the size of inputs. */
export const weight = (...shape: number[]): InputSpec => ({
  shape,
  dtype: 'f32',
  role: 'parameter',
  fill: 'normal',
  deviation: 1 / Math.sqrt(sizeOf(shape.slice(1))),
});

/** A learned value per channel around `mean`. */
export const perChannel = (c: number, mean = 0, deviation = 0.5): InputSpec => ({
  shape: [c],
  dtype: 'f32',
  role: 'parameter',
  fill: 'normal',
  mean,
  deviation,
});

/** gamma, beta, running_mean and running_var of a batch norm. */
export const norm = (c: number): InputSpec[] => [
  perChannel(c, 1),
  perChannel(c),
  { ...perChannel(c), role: 'state' },
  { ...perChannel(c), role: 'state', fill: 'positive' },
];

/** w1, b1, w2 and b2 of an excitation. The hidden biases keep most of the hidden units alive. */
export const excitation = (c: number, r: number, bias: boolean): (InputSpec | undefined)[] => [
  weight(r, c),
  bias ? perChannel(r, 0.5) : undefined,
  weight(c, r),
  bias ? perChannel(c) : undefined,
];

/** Norms of a channel far from zero, deviation 1. */
export const hugeMean = {
  x: { mean: 1e4, deviation: 1 },
  tolerance: {
    forward: 5e-3,
    gradient: 5e-2,
    reason:
      'a mean near 1e4 is held to 1e-3 in float32: a shift by 1e-3 deviations, times gamma or the sum of dy',
  },
};

/** Norms of a channel without variance, whose deviations from a rounded mean are scaled by 1 / sqrt(eps). */
export const constantChannel = {
  x: { constant: { channel: 1, value: 3 } },
  tolerance: {
    forward: 2e-4,
    gradient: 5e-3,
    reason: 'one ulp in the mean of threes is 2.4e-7, times 1 / sqrt(1e-5) = 316 and gamma, or the sum of dy',
  },
};

const makers: Record<
  Exclude<Fill, 'distinct' | 'distribution'>,
  (random: Random, spec: InputSpec) => number
> = {
  normal: (random, { mean = 0, deviation = 1 }) => random.normal(mean, deviation),
  positive: (random) => random.uniform(0.5, 1.5),
  apart: (random, { deviation = 1 }) => {
    const value = random.normal(0, deviation);
    return value + Math.sign(value) * 0.02;
  },
  labels: (random, { limit = 2 }) => random.integer(0, limit - 1),
  words: (random) => random.next() | 0,
  sparse: (random) => (random.uniform() < 0.3 ? 0 : random.integer(-2, 2)),
};

function fillData(spec: InputSpec, random: Random): Float64Array {
  const values = new Float64Array(sizeOf(spec.shape));
  if (spec.fill === 'distinct') {
    return random.shuffle(values.map((_, i) => (i - Math.floor(values.length / 2) + 0.5) * 0.04));
  }
  if (spec.fill === 'distribution') {
    const columns = spec.shape[1]!;
    for (let row = 0; row < values.length; row += columns) {
      const weights = values.subarray(row, row + columns).map(() => random.uniform(0.01, 1));
      const total = weights.reduce((sum, value) => sum + value, 0);
      for (let k = 0; k < columns; k++) values[row + k] = weights[k]! / total;
    }
    return values;
  }
  const make = makers[spec.fill];
  const made = values.map(() => make(random, spec));
  if (spec.fill === 'sparse' && made[0] === 0) made[0] = 1;
  return made;
}

/** Values for one input, each representable in the input's own type. */
export function materialize(spec: InputSpec, random: Random): RefTensor {
  const values = fillData(spec, random);
  const { constant } = spec;
  if (constant !== undefined) {
    const channels = spec.shape.at(-1)!;
    for (let i = constant.channel; i < values.length; i += channels) values[i] = constant.value;
  }
  return tensor(spec.shape, spec.dtype === 'f32' ? values.map(Math.fround) : values);
}

/** Whether real-valued inputs of this kind may be replaced by integers. */
const isReal = ({ dtype, fill }: InputSpec): boolean => dtype === 'f32' && fill !== 'distribution';

/** Values for all inputs of a case; the same for the same case and seed. */
export function inputsOf(
  { op, name, inputs }: OpCase,
  options: { seed?: number; integers?: boolean } = {},
): (RefTensor | undefined)[] {
  const random = new Random(`${op} ${name} ${options.seed ?? 0}`);
  return inputs.map((spec) => {
    if (spec === undefined) return undefined;
    const sparse = options.integers === true && isReal(spec);
    return materialize(sparse ? { ...spec, fill: 'sparse' } : spec, random);
  });
}

/** Input positions whose gradients a case asks for. */
export function gradientPositions({ inputs, gradient }: OpCase): readonly number[] {
  if (gradient === false) return [];
  if (gradient !== true) return gradient.filter((position) => inputs[position] !== undefined);
  return [...inputs.keys()].filter((i) => inputs[i]?.dtype === 'f32' && inputs[i].role !== 'state');
}
