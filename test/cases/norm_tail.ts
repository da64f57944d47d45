import {
  constantChannel,
  data,
  excitation,
  hugeMean,
  type InputSpec,
  norm,
  type OpCase,
  perChannel,
} from './case.ts';

export interface Tail {
  /** Mode of the norms: batch statistics, running statistics inside a training graph, running statistics. */
  mode?: 'training' | 'frozen' | 'eval';
  identity?: 'none' | 'plain' | 'projected';
  /** Hidden units of the excitation; none without. */
  se?: number;
  gate?: string;
  hidden?: string;
  bias?: boolean;
  relu?: boolean;
  x?: Partial<InputSpec>;
  gamma?: Partial<InputSpec>;
  /** Deviation of b2, large to saturate most gates. */
  spread?: number;
  gradient?: boolean;
  tolerance?: OpCase['tolerance'];
}

/** A norm_tail case; training, no identity, no excitation, ReLU by default. */
export function normTailCase(name: string, shape: readonly number[], tail: Tail = {}): OpCase {
  const {
    mode = 'training',
    identity = 'none',
    se,
    gate = 'sigmoid',
    hidden = 'relu',
    bias = true,
    relu = true,
    tolerance,
  } = tail;
  const c = shape.at(-1)!;
  const [gamma, ...statistics] = norm(c);
  const weights = se === undefined ? [] : excitation(c, se, bias);
  if (tail.spread !== undefined) weights[3] = perChannel(c, 0, tail.spread);
  return {
    name,
    op: 'norm_tail',
    inputs: [
      data(shape, { mean: 0.2, deviation: 1.3, ...tail.x }),
      { ...gamma!, ...tail.gamma },
      ...statistics,
      identity === 'none' ? undefined : data(shape),
      ...(identity === 'projected' ? norm(c) : [undefined, undefined, undefined, undefined]),
      ...weights,
    ],
    attributes: {
      eps: 1e-5,
      eps2: 1e-3,
      relu,
      gate,
      hidden,
      training: mode === 'training',
      frozen: mode === 'frozen',
    },
    gradient: mode !== 'eval' && (tail.gradient ?? true) && [0, 1, 2, 5, 6, 7, 10, 11, 12, 13],
    ...(tolerance && { tolerance }),
  };
}

const identities = ['none', 'plain', 'projected'] as const;
const modes = ['training', 'frozen', 'eval'] as const;

/** Every combination of mode, identity, gate and ReLU on a small map of odd sizes. */
const combinations: OpCase[] = modes.flatMap((mode) =>
  identities.flatMap((identity) =>
    [undefined, 'sigmoid', 'tanh', 'relu'].flatMap((gate) =>
      [true, false].map((relu) => {
        const name = `${mode}, identity ${identity}, gate ${gate ?? 'none'}${relu ? ', relu' : ''}`;
        const excited = gate === undefined ? {} : { se: 3, gate };
        return normTailCase(name, [2, 3, 5, 7], { mode, identity, relu, ...excited });
      }),
    ),
  ),
);

const full: Tail = { identity: 'plain', se: 4 };

export const cases: OpCase[] = [
  ...combinations,
  normTailCase('one element', [1, 1, 1, 1], { identity: 'plain', se: 1, gradient: false }),
  normTailCase('one position', [1, 1, 1, 9], { ...full, gradient: false }),
  normTailCase('one element, frozen', [1, 1, 1, 1], { identity: 'projected', se: 1, mode: 'frozen' }),
  normTailCase('one channel', [3, 4, 3, 1], { identity: 'plain', se: 1 }),
  normTailCase('batch 1', [1, 5, 4, 6], full),
  normTailCase('1x1 map', [7, 1, 1, 12], full),
  normTailCase('one row', [2, 1, 13, 5], full),
  normTailCase('prime sizes', [3, 5, 7, 11], full),
  normTailCase('one block', [2, 4, 4, 8], full),
  normTailCase('blocks', [2, 4, 3, 32], { identity: 'projected', se: 2 }),
  normTailCase('above a block', [2, 3, 3, 17], { identity: 'projected', se: 5 }),
  normTailCase('no bias', [2, 3, 4, 9], { ...full, bias: false }),
  normTailCase('no bias, projected', [2, 3, 4, 9], { se: 3, identity: 'projected', bias: false }),
  normTailCase('hard sigmoid', [3, 3, 4, 9], { ...full, gate: 'hard_sigmoid' }),
  normTailCase('hidden silu', [2, 4, 3, 17], { ...full, hidden: 'silu' }),
  normTailCase('hidden silu, frozen', [2, 3, 3, 6], { ...full, hidden: 'silu', mode: 'frozen' }),
  normTailCase('one hidden unit', [4, 3, 3, 16], { identity: 'plain', se: 1 }),
  normTailCase('saturated gates', [3, 4, 4, 24], { ...full, spread: 12 }),
  normTailCase('gammas of zero', [2, 3, 3, 6], { ...full, gamma: { mean: 0, deviation: 0 } }),
  normTailCase('gammas of both signs', [2, 3, 3, 6], { ...full, gamma: { mean: 0, deviation: 1 } }),
  normTailCase('a channel that is constant', [3, 4, 4, 5], { ...full, ...constantChannel }),
  normTailCase('huge mean', [3, 5, 5, 4], { ...full, ...hugeMean, relu: false }),
];
