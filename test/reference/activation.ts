import { textOf } from './attributes.ts';
import { given, map, type References, zip } from './tensor.ts';

/** Each activation and its derivative in terms of its own output. */
const kinds: Readonly<Record<string, { apply(x: number): number; slope(y: number): number }>> = {
  relu: { apply: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  sigmoid: { apply: (x) => 1 / (1 + Math.exp(-x)), slope: (y) => y * (1 - y) },
  tanh: { apply: Math.tanh, slope: (y) => 1 - y * y },
};

function kindOf(name: string) {
  const kind = kinds[name];
  if (kind === undefined) throw new Error(`activation: unknown kind ${name}`);
  return kind;
}

export const reference = {
  activation(inputs, attributes) {
    const { apply } = kindOf(textOf(attributes, 'kind'));
    return [map(given(inputs, 0, 'activation x'), apply)];
  },

  activation_grad(inputs, attributes) {
    const { slope } = kindOf(textOf(attributes, 'kind'));
    const dy = given(inputs, 0, 'activation_grad dy');
    return [zip(dy, given(inputs, 1, 'activation_grad y'), (g, y) => g * slope(y))];
  },
} satisfies References;
