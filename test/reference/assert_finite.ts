import { textOf } from './attributes.ts';
import { given, type References } from './tensor.ts';

export const reference = {
  /** Throws when an input holds NaN or an infinity. */
  assert_finite(inputs, attributes) {
    inputs.forEach((_, position) => {
      const bad = given(inputs, position, 'assert_finite').data.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0)
        throw new Error(`assert_finite: ${textOf(attributes, 'what')} ${position} at element ${bad}`);
    });
    return [];
  },
} satisfies References;
