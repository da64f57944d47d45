import { numberOf, textOf } from './attributes.ts';
import { philox } from './dropout.ts';
import { given, map, type References, type RefTensor } from './tensor.ts';

/** The share of the first branch of each image. */
function shares({ shape }: RefTensor, stream: number, key: RefTensor): number[] {
  return Array.from({ length: shape[0]! }, (_, n) => {
    const words = philox([Math.floor(n / 4), 0, stream, 0], Array.from(key.data));
    return words[n % 4]! * 2 ** -32;
  });
}

/** The image of an element. */
const imageOf = ({ shape, data }: RefTensor, element: number): number =>
  Math.floor(element / (data.length / shape[0]!));

export const reference = {
  shake(inputs, attributes) {
    const [a, b] = [given(inputs, 0, 'shake a'), given(inputs, 1, 'shake b')];
    const share = shares(a, numberOf(attributes, 'stream'), given(inputs, 2, 'shake key'));
    return [
      map(a, (value, i) => {
        const s = share[imageOf(a, i)]!;
        return s * value + (1 - s) * b.data[i]!;
      }),
    ];
  },

  shake_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'shake_grad dy');
    const key = given(inputs, 1, 'shake_grad key');
    const drawn = shares(dy, numberOf(attributes, 'gradientStream'), key);
    const share = textOf(attributes, 'backward') === 'even' ? drawn.map(() => 0.5) : drawn;
    return [
      map(dy, (value, i) => value * share[imageOf(dy, i)]!),
      map(dy, (value, i) => value * (1 - share[imageOf(dy, i)]!)),
    ];
  },
} satisfies References;
