import { numberOf } from './attributes.ts';
import { given, map, type References } from './tensor.ts';

export const reference = {
  fold_batch_norm(inputs, attributes) {
    const weight = given(inputs, 0, 'fold_batch_norm weight');
    const bias = inputs[1];
    const [gamma, beta, mean, variance] = [2, 3, 4, 5].map((i) => given(inputs, i, 'fold_batch_norm').data);
    const eps = numberOf(attributes, 'eps');
    const scale = given(inputs, 2, 'gamma');
    const factor = map(scale, (_, k) => gamma![k]! / Math.sqrt(variance![k]! + eps));
    const perOutput = weight.data.length / weight.shape[0]!;
    return [
      map(weight, (value, i) => value * factor.data[Math.floor(i / perOutput)]!),
      map(factor, (f, k) => beta![k]! + ((bias === undefined ? 0 : bias.data[k]!) - mean![k]!) * f),
    ];
  },
} satisfies References;
