import { given, type References, zip } from './tensor.ts';

export const reference = {
  add: (inputs) => [zip(given(inputs, 0, 'add a'), given(inputs, 1, 'add b'), (a, b) => a + b)],
} satisfies References;
