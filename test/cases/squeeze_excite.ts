import { gateKinds } from '../../lib/ops/excite.ts';
import { squeezeKinds } from '../../lib/ops/squeeze_excite.ts';
import { data, excitation, type OpCase } from './case.ts';

interface Options {
  squeeze?: 'avg' | 'max' | 'none';
  gate?: string;
  hidden?: string;
  bias?: boolean;
}

function squeezeExcite(name: string, shape: number[], r: number, options: Options = {}): OpCase {
  const { squeeze = 'avg', gate = 'sigmoid', hidden = 'relu', bias = true } = options;
  return {
    name,
    op: 'squeeze_excite',
    inputs: [
      data(shape, { fill: squeeze === 'max' ? 'distinct' : 'normal' }),
      ...excitation(shape.at(-1)!, r, bias),
    ],
    attributes: { squeeze, gate, hidden },
    gradient: true,
  };
}

const variants = squeezeKinds.flatMap((squeeze) =>
  gateKinds.flatMap((gate) =>
    [true, false].map((bias) => {
      const name = `squeeze ${squeeze}, gate ${gate}${bias ? '' : ', no bias'}`;
      return squeezeExcite(name, [2, 3, 4, 6], 3, { squeeze, gate, bias });
    }),
  ),
);

export const cases: OpCase[] = [
  ...variants,
  ...squeezeKinds.map((squeeze) =>
    squeezeExcite(`squeeze ${squeeze}, hidden silu`, [2, 3, 4, 6], 3, { squeeze, hidden: 'silu' }),
  ),
  squeezeExcite('one element', [1, 1, 1, 1], 1),
  squeezeExcite('batch 1, one hidden unit', [1, 3, 5, 16], 1),
  squeezeExcite('above a block', [2, 3, 2, 17], 4),
  squeezeExcite('1x1 map', [3, 1, 1, 9], 2),
];
