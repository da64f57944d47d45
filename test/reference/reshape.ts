import { listOf } from './attributes.ts';
import { given, type References, tensor } from './tensor.ts';

export const reference = {
  reshape: (inputs, attributes) => [tensor(listOf(attributes, 'shape'), given(inputs, 0, 'reshape x').data)],
} satisfies References;
