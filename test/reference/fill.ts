import { listOf, numberOf } from './attributes.ts';
import { map, type References, tensor } from './tensor.ts';

export const reference = {
  fill: (_, attributes) => [map(tensor(listOf(attributes, 'shape')), () => numberOf(attributes, 'value'))],
} satisfies References;
