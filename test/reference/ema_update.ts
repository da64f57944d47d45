import { numberOf } from './attributes.ts';
import { given, type References } from './tensor.ts';

export const reference = {
  /** Changes the averages in place. */
  ema_update(inputs, attributes) {
    const decay = numberOf(attributes, 'decay');
    for (let i = 0; i < inputs.length; i += 2) {
      const average = given(inputs, i, 'ema_update average').data;
      const value = given(inputs, i + 1, 'ema_update value').data;
      for (let j = 0; j < average.length; j++) average[j] = decay * average[j]! + (1 - decay) * value[j]!;
    }
    return [];
  },
} satisfies References;
