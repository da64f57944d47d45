import { textOf } from './attributes.ts';
import { given, map, type References, zip } from './tensor.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const clip6 = (x: number): number => Math.min(Math.max(x, 0), 6);

/** Each activation and its derivative in terms of what is saved: its output, or its input for those in `fromInput`. */
const kinds: Readonly<Record<string, { apply(x: number): number; slope(saved: number): number }>> = {
  relu: { apply: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  sigmoid: { apply: sigmoid, slope: (y) => y * (1 - y) },
  tanh: { apply: Math.tanh, slope: (y) => 1 - y * y },
  silu: { apply: (x) => x * sigmoid(x), slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
  hard_swish: {
    apply: (x) => (x * clip6(x + 3)) / 6,
    slope: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
  },
  hard_sigmoid: { apply: (x) => clip6(x + 3) / 6, slope: (y) => (y > 0 && y < 1 ? 1 / 6 : 0) },
  relu6: { apply: clip6, slope: (y) => (y > 0 && y < 6 ? 1 : 0) },
};

/** Activations whose gradient starts from their input. */
export const fromInput: ReadonlySet<string> = new Set(['silu', 'hard_swish']);

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
    return [zip(dy, given(inputs, 1, 'activation_grad saved'), (g, saved) => g * slope(saved))];
  },
} satisfies References;
