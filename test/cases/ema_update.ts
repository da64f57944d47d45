import { data, type InputSpec, type OpCase } from './case.ts';

const shapes = [[1], [7], [16, 3], [5, 8, 3, 3]];

function ema(name: string, sizes: number[][], decay: number, integers = false): OpCase {
  return {
    name,
    op: 'ema_update',
    inputs: sizes.flatMap((shape): InputSpec[] => [{ ...data(shape), role: 'state' }, data(shape)]),
    attributes: { decay },
    gradient: false,
    integers,
    mutates: sizes.map((_, i) => 2 * i),
  };
}

export const cases: OpCase[] = [
  ema('one element', [[1]], 0.9),
  ema('slow', shapes, 0.9999),
  ema('fast', shapes, 0.3),
  ema('a quarter, exact', shapes, 0.75, true),
  ema('none', shapes, 0, true),
  ema('many elements', [[33, 129], [4096], [3, 4099]], 0.99),
];
