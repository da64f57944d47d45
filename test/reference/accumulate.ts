import { given, type References } from './tensor.ts';

export const reference = {
  /** Changes the means in place. */
  accumulate(inputs) {
    const n = given(inputs, 0, 'accumulate count').data[0]!;
    for (let i = 1; i < inputs.length; i += 2) {
      const mean = given(inputs, i, 'accumulate mean').data;
      const value = given(inputs, i + 1, 'accumulate value').data;
      for (let j = 0; j < mean.length; j++)
        mean[j] = n === 0 ? value[j]! : (n * mean[j]! + value[j]!) / (n + 1);
    }
    return [];
  },
} satisfies References;
