import { data, excitation, type InputSpec, type OpCase, perChannel } from './case.ts';

interface Options {
  gate?: string;
  hidden?: string;
  bias?: boolean;
  training?: boolean;
  /** Deviation of b2, large to saturate most gates. */
  spread?: number;
}

function excite(name: string, n: number, c: number, r: number, options: Options = {}): OpCase {
  const { gate = 'sigmoid', hidden = 'relu', bias = true, training = true, spread } = options;
  const weights: (InputSpec | undefined)[] = excitation(c, r, bias);
  if (spread !== undefined) weights[3] = perChannel(c, 0, spread);
  return {
    name,
    op: 'excite',
    inputs: [data([n, c]), ...weights],
    attributes: { gate, hidden, training },
    gradient: training,
    integers: gate === 'relu' && hidden === 'relu',
  };
}

export const cases: OpCase[] = [
  excite('one element', 1, 1, 1),
  excite('batch 1', 1, 8, 2),
  excite('one hidden unit', 4, 16, 1),
  excite('prime sizes', 3, 13, 5),
  excite('channels not divisible by the reduction', 3, 17, 4),
  excite('more hidden units than channels', 2, 3, 7),
  excite('blocks', 2, 32, 8),
  excite('no bias', 4, 16, 4, { bias: false }),
  excite('tanh', 3, 9, 4, { gate: 'tanh' }),
  excite('relu', 3, 9, 4, { gate: 'relu' }),
  excite('relu, no bias', 4, 8, 8, { gate: 'relu', bias: false }),
  excite('saturated', 3, 24, 4, { spread: 12 }),
  excite('saturated tanh', 3, 24, 4, { gate: 'tanh', spread: 12 }),
  excite('hard sigmoid', 3, 9, 4, { gate: 'hard_sigmoid' }),
  excite('saturated hard sigmoid', 3, 24, 4, { gate: 'hard_sigmoid', spread: 12 }),
  excite('hidden silu', 3, 17, 5, { hidden: 'silu' }),
  excite('hidden silu, batch 9', 9, 16, 3, { hidden: 'silu', bias: false }),
  excite('hidden silu, inference', 2, 16, 4, { hidden: 'silu', training: false }),
  excite('inference', 2, 16, 4, { training: false }),
  excite('inference, tanh, no bias', 2, 11, 3, { gate: 'tanh', bias: false, training: false }),
];
