import { data, type OpCase } from './case.ts';

const shapes = [[1], [7], [16, 3], [5, 8, 3, 3]];

function clip(name: string, sizes: number[][], limit: number, options: { scaled?: boolean } = {}): OpCase {
  const scale = options.scaled === true ? data([], { fill: 'positive' }) : undefined;
  return {
    name,
    op: 'clip_factor',
    inputs: [scale, ...sizes.map((shape) => data(shape))],
    attributes: { limit },
    gradient: false,
  };
}

export const cases: OpCase[] = [
  clip('one element', [[1]], 0.1),
  clip('above the limit', shapes, 1),
  clip('below the limit', shapes, 1000),
  clip('scaled', shapes, 2, { scaled: true }),
  clip('scaled, below', shapes, 1000, { scaled: true }),
  clip('many elements', [[33, 129], [4096], [3, 4099]], 1),
];
