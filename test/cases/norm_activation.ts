import { activationKinds } from '../../lib/ops/activation.ts';
import { gateKinds, hiddenKinds } from '../../lib/ops/excite.ts';
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

export interface ActivatedNorm {
  activation?: string;
  mode?: 'training' | 'frozen' | 'eval';
  /** Hidden units of the excitation; none without. */
  se?: number;
  gate?: string;
  hidden?: string;
  bias?: boolean;
  x?: Partial<InputSpec>;
  gamma?: Partial<InputSpec>;
  /** Deviation of b2, large to saturate most gates. */
  spread?: number;
  gradient?: boolean;
  tolerance?: OpCase['tolerance'];
}

/** A norm_activation case; training, SiLU, no excitation by default. */
export function normActivationCase(
  name: string,
  shape: readonly number[],
  options: ActivatedNorm = {},
): OpCase {
  const {
    activation = 'silu',
    mode = 'training',
    se,
    gate = 'sigmoid',
    hidden = 'relu',
    tolerance,
  } = options;
  const c = shape.at(-1)!;
  const [gamma, ...statistics] = norm(c);
  const weights = se === undefined ? [] : excitation(c, se, options.bias ?? true);
  if (options.spread !== undefined) weights[3] = perChannel(c, 0, options.spread);
  return {
    name,
    op: 'norm_activation',
    inputs: [
      data(shape, { mean: 0.2, deviation: 1.3, ...options.x }),
      { ...gamma!, ...options.gamma },
      ...statistics,
      ...weights,
    ],
    attributes: {
      eps: 1e-5,
      activation,
      training: mode === 'training',
      frozen: mode === 'frozen',
      ...(se !== undefined && { gate, hidden }),
    },
    gradient: mode !== 'eval' && (options.gradient ?? true) && [0, 1, 2, 5, 6, 7, 8],
    ...(tolerance && { tolerance }),
  };
}

const modes = ['training', 'frozen', 'eval'] as const;

/** Every combination of activation, mode and gate on a small map of odd sizes. */
const combinations: OpCase[] = activationKinds.flatMap((activation) =>
  modes.flatMap((mode) =>
    [undefined, ...gateKinds].map((gate, i) => {
      const hidden = hiddenKinds[i % hiddenKinds.length]!;
      const excited = gate === undefined ? {} : { se: 3, gate, hidden };
      const name = `${activation}, ${mode}, gate ${gate ?? 'none'}`;
      return normActivationCase(name, [2, 3, 5, 7], { activation, mode, ...excited });
    }),
  ),
);

const full: ActivatedNorm = { activation: 'hard_swish', se: 4 };

export const cases: OpCase[] = [
  ...combinations,
  normActivationCase('one element, frozen', [1, 1, 1, 1], { se: 1, mode: 'frozen' }),
  normActivationCase('one element', [1, 1, 1, 1], { se: 1, gradient: false }),
  normActivationCase('one position', [1, 1, 1, 9], { ...full, gradient: false }),
  normActivationCase('one channel', [3, 4, 3, 1], { se: 1 }),
  normActivationCase('a vector', [9, 5], {}),
  normActivationCase('batch 1', [1, 5, 4, 6], full),
  normActivationCase('1x1 map', [7, 1, 1, 12], full),
  normActivationCase('one row', [2, 1, 13, 5], full),
  normActivationCase('prime sizes', [3, 5, 7, 11], full),
  normActivationCase('one block', [2, 4, 4, 8], full),
  normActivationCase('blocks', [4, 4, 3, 32], { activation: 'relu6', se: 2 }),
  normActivationCase('above a block', [2, 3, 3, 17], { activation: 'tanh', se: 5 }),
  normActivationCase('MobileNetV3', [3, 4, 5, 17], { activation: 'hard_swish', se: 5, gate: 'hard_sigmoid' }),
  normActivationCase('EfficientNet', [2, 5, 3, 24], { se: 2, hidden: 'silu' }),
  normActivationCase('RegNetY', [2, 4, 4, 32], { activation: 'relu', se: 4 }),
  normActivationCase('no bias', [1, 5, 4, 9], { se: 2, bias: false }),
  normActivationCase('one hidden unit', [4, 3, 3, 16], { se: 1 }),
  normActivationCase('saturated gates', [3, 4, 4, 24], { ...full, spread: 12 }),
  normActivationCase('gammas of zero', [2, 3, 3, 6], { se: 4, gamma: { mean: 0, deviation: 0 } }),
  normActivationCase('gammas of both signs', [2, 3, 3, 6], { ...full, gamma: { mean: 0, deviation: 1 } }),
  normActivationCase('a channel that is constant', [3, 4, 4, 5], { se: 4, ...constantChannel }),
  normActivationCase('huge mean', [3, 5, 5, 4], hugeMean),
  normActivationCase('huge mean, gated', [3, 5, 5, 4], {
    se: 4,
    ...hugeMean,
    tolerance: {
      ...{ forward: 2.5e-2, gradient: 5e-2 },
      reason: 'the same shift, times at most 0.5 for the slope and 2 for gamma, adds up over 25 positions',
    },
  }),
];
