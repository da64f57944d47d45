import { activationKinds } from '../../lib/ops/activation.ts';
import { data, excitation, norm, type OpCase } from './case.ts';

interface Options {
  activation?: string;
  mode?: 'training' | 'frozen' | 'eval';
  /** Hidden units of the excitation; none without. */
  se?: number;
  gate?: string;
  hidden?: string;
  bias?: boolean;
  gradient?: boolean;
}

function normActivation(name: string, shape: readonly number[], options: Options = {}): OpCase {
  const { activation = 'silu', mode = 'training', se, gate = 'sigmoid', hidden = 'relu' } = options;
  const c = shape.at(-1)!;
  return {
    name,
    op: 'norm_activation',
    inputs: [
      data(shape, { mean: 0.2, deviation: 1.3 }),
      ...norm(c),
      ...(se === undefined ? [] : excitation(c, se, options.bias ?? true)),
    ],
    attributes: {
      eps: 1e-5,
      activation,
      training: mode === 'training',
      frozen: mode === 'frozen',
      ...(se !== undefined && { gate, hidden }),
    },
    gradient: mode !== 'eval' && (options.gradient ?? true) && [0, 1, 2, 5, 6, 7, 8],
  };
}

const modes = ['training', 'frozen', 'eval'] as const;

const combinations: OpCase[] = activationKinds.flatMap((activation) =>
  modes.flatMap((mode) =>
    [undefined, 3].map((se) =>
      normActivation(`${activation}, ${mode}${se === undefined ? '' : ', gated'}`, [2, 3, 5, 7], {
        activation,
        mode,
        ...(se !== undefined && { se }),
      }),
    ),
  ),
);

export const cases: OpCase[] = [
  ...combinations,
  normActivation('one element, frozen', [1, 1, 1, 1], { se: 1, mode: 'frozen' }),
  normActivation('one element', [1, 1, 1, 1], { se: 1, gradient: false }),
  normActivation('a vector', [9, 5], {}),
  normActivation('MobileNetV3', [3, 4, 5, 17], { activation: 'hard_swish', se: 5, gate: 'hard_sigmoid' }),
  normActivation('EfficientNet', [2, 5, 3, 24], { se: 2, hidden: 'silu' }),
  normActivation('RegNetY', [2, 4, 4, 32], { activation: 'relu', se: 4 }),
  normActivation('no bias', [1, 5, 4, 9], { se: 2, bias: false }),
];
