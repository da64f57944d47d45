import { flagOf, numberOf } from './attributes.ts';
import { channelsOf, given, map, type References, type RefTensor, tensor } from './tensor.ts';

/** Sum over all but the channels of f(index, channel). */
function channelSums(x: RefTensor, f: (index: number, channel: number) => number): RefTensor {
  const c = channelsOf(x);
  const sums = tensor([c]);
  for (let i = 0; i < x.data.length; i++) sums.data[i % c]! += f(i, i % c);
  return sums;
}

export const reference = {
  batch_norm(inputs, attributes) {
    const x = given(inputs, 0, 'batch_norm x');
    const gamma = given(inputs, 1, 'batch_norm gamma').data;
    const beta = given(inputs, 2, 'batch_norm beta').data;
    const eps = numberOf(attributes, 'eps');
    const training = flagOf(attributes, 'training');
    const c = channelsOf(x);
    const count = x.data.length / c;
    let mean = given(inputs, 3, 'batch_norm running_mean');
    let variance = given(inputs, 4, 'batch_norm running_var');
    if (training) {
      const m = map(
        channelSums(x, (i) => x.data[i]!),
        (sum) => sum / count,
      );
      mean = m;
      variance = map(
        channelSums(x, (i, k) => (x.data[i]! - m.data[k]!) ** 2),
        (sum) => sum / count,
      );
    }
    const y = map(x, (value, i) => {
      const k = i % c;
      return (gamma[k]! * (value - mean.data[k]!)) / Math.sqrt(variance.data[k]! + eps) + beta[k]!;
    });
    return training ? [y, mean, variance] : [y, undefined, undefined];
  },

  batch_norm_grad(inputs, attributes) {
    const dy = given(inputs, 0, 'batch_norm_grad dy');
    const x = given(inputs, 1, 'batch_norm_grad x');
    const gamma = given(inputs, 2, 'batch_norm_grad gamma').data;
    const mean = given(inputs, 3, 'batch_norm_grad mean').data;
    const variance = given(inputs, 4, 'batch_norm_grad variance').data;
    const eps = numberOf(attributes, 'eps');
    const c = channelsOf(x);
    const count = x.data.length / c;
    const rstd = variance.map((v) => 1 / Math.sqrt(v + eps));
    const normalized = (i: number): number => (x.data[i]! - mean[i % c]!) * rstd[i % c]!;
    const dbeta = channelSums(dy, (i) => dy.data[i]!);
    const dgamma = channelSums(dy, (i) => dy.data[i]! * normalized(i));
    const dx = map(dy, (g, i) => {
      const k = i % c;
      if (!flagOf(attributes, 'training')) return g * gamma[k]! * rstd[k]!;
      return gamma[k]! * rstd[k]! * (g - (dbeta.data[k]! + normalized(i) * dgamma.data[k]!) / count);
    });
    return [dx, dgamma, dbeta];
  },
} satisfies References;
