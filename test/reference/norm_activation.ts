/** Norm, activation and excitation as the chain of plain ops; the gradient is the chain rule over the same. */
import { reference as activation, fromInput } from './activation.ts';
import { reference as add } from './add.ts';
import { flagOf, numberOf, textOf } from './attributes.ts';
import { reference as batchNorm } from './batch_norm.ts';
import { reference as excite } from './excite.ts';
import { reference as globalAvgPool } from './global_avg_pool.ts';
import { reference as multiply } from './multiply.ts';
import { given, map, mapSizes, type Reference, type References, type RefTensor } from './tensor.ts';

/** A tensor of ones. */
const onesLike = (x: RefTensor): RefTensor => map(x, () => 1);

/** dt times the slope of the activation that made t of z. */
function throughActivation(dt: RefTensor | undefined, z: RefTensor, t: RefTensor | undefined, kind: string) {
  return activation.activation_grad([dt, fromInput.has(kind) ? z : t], { kind })[0]!;
}

const normActivation: Reference = (inputs, attributes) => {
  const [w1, b1, w2, b2] = inputs.slice(5);
  const training = flagOf(attributes, 'training');
  const kind = textOf(attributes, 'activation');
  const norm = { eps: numberOf(attributes, 'eps'), training };
  const [z, batchMean, variance] = batchNorm.batch_norm(inputs.slice(0, 5), norm);
  const [t] = activation.activation([z], { kind });
  if (w1 === undefined) return [t, batchMean, variance];
  const [squeeze] = globalAvgPool.global_avg_pool([t]);
  const gates = { gate: textOf(attributes, 'gate'), hidden: textOf(attributes, 'hidden'), training: true };
  const [gate, hidden] = excite.excite([squeeze, w1, b1, w2, b2], gates);
  const [y] = multiply.multiply([t, gate]);
  if (!training && !flagOf(attributes, 'frozen')) return [y];
  const mean = batchMean ?? given(inputs, 3, 'norm_activation running_mean');
  const x = given(inputs, 0, 'norm_activation x');
  const centred = map(x, (value, i) => value - mean.data[i % mean.data.length]!);
  const slope = throughActivation(onesLike(x), given([z], 0, 'z'), t, kind);
  const [slopes] = multiply.multiply_reduce([slope, onesLike(x)]);
  const [slopesX] = multiply.multiply_reduce([slope, centred]);
  return [y, batchMean, variance, squeeze, hidden, gate, slopes, slopesX];
};

const normActivationGrad: Reference = (inputs, attributes) => {
  const [dyFirst, dyExtra, x, gamma, beta, mean, variance, w1, w2, , hidden, gate] = inputs;
  const kind = textOf(attributes, 'activation');
  const norm = { eps: numberOf(attributes, 'eps'), training: flagOf(attributes, 'training') };
  const [dy] = dyExtra === undefined ? [dyFirst] : add.add([dyFirst, dyExtra]);
  const [z] = batchNorm.batch_norm([x, gamma, beta, mean, variance], { eps: norm.eps, training: false });
  const zGiven = given([z], 0, 'z');
  const [t] = activation.activation([z], { kind });
  let dt = dy;
  let [dw1, db1, dw2, db2]: (RefTensor | undefined)[] = [];
  if (flagOf(attributes, 'se')) {
    const { h, w } = mapSizes(zGiven);
    const gates = {
      gate: textOf(attributes, 'gate'),
      hidden: textOf(attributes, 'hidden'),
      bias: flagOf(attributes, 'bias'),
    };
    const [q] = globalAvgPool.global_avg_pool([t]);
    const [ds] = multiply.multiply_reduce([dy, t]);
    let dq: RefTensor | undefined;
    [dq, dw1, db1, dw2, db2] = excite.excite_grad([ds, q, hidden, gate, w1, w2], gates);
    const [throughSqueeze] = globalAvgPool.global_avg_pool_grad([dq], { size: [h, w] });
    const [throughGate] = multiply.multiply([dy, gate]);
    [dt] = add.add([throughGate, throughSqueeze]);
  }
  const dz = throughActivation(dt, zGiven, t, kind);
  const [dx, dgamma, dbeta] = batchNorm.batch_norm_grad([dz, x, gamma, mean, variance], norm);
  return [dx, dgamma, dbeta, dw1, db1, dw2, db2];
};

export const reference = {
  norm_activation: normActivation,
  norm_activation_grad: normActivationGrad,
} satisfies References;
