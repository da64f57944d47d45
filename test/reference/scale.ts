import { numberOf } from './attributes.ts';
import { given, map, type References } from './tensor.ts';

export const reference = {
  scale(inputs, attributes) {
    const factor = numberOf(attributes, 'factor');
    return [map(given(inputs, 0, 'scale x'), (value) => factor * value)];
  },
} satisfies References;
