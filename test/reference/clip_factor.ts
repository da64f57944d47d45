import { numberOf } from './attributes.ts';
import { given, type References, tensor } from './tensor.ts';

export const reference = {
  clip_factor(inputs, attributes) {
    const scale = inputs[0]?.data[0] ?? 1;
    let sum = 0;
    for (let i = 1; i < inputs.length; i++) {
      for (const value of given(inputs, i, 'clip_factor').data) sum += value * value;
    }
    const norm = scale * Math.sqrt(sum);
    const factor = scale * Math.min(1, numberOf(attributes, 'limit') / (norm + 1e-6));
    return [tensor([], [factor]), tensor([], [norm])];
  },
} satisfies References;
