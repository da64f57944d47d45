/**
 * The residual tail, written as its decomposition. Its gradient is the chain rule over the same plain ops, so that
 * the algebra of fused kernels is checked against something that does not share it.
 */
import type { Attributes } from '../../lib/ir/graph.ts';
import { reference as activation } from './activation.ts';
import { reference as add } from './add.ts';
import { flagOf, numberOf, textOf } from './attributes.ts';
import { reference as batchNorm } from './batch_norm.ts';
import { reference as excite } from './excite.ts';
import { reference as globalAvgPool } from './global_avg_pool.ts';
import { reference as multiply } from './multiply.ts';
import { given, map, mapSizes, type Reference, type References, type RefTensor, tensor } from './tensor.ts';

/** One bit per element in NHWC order, lowest bit first. */
export function packBits(x: RefTensor): RefTensor {
  const bits = tensor([Math.ceil(x.data.length / 8)]);
  x.data.forEach((value, i) => {
    if (value > 0) bits.data[i >> 3]! |= 1 << (i & 7);
  });
  return bits;
}

/** The inverse of {@link packBits}: ones and zeros. */
export const unpackBits = (bits: RefTensor, shape: readonly number[]): RefTensor =>
  map(tensor(shape), (_, i) => (bits.data[i >> 3]! >> (i & 7)) & 1);

const normTail: Reference = (inputs, attributes) => {
  const [x, gamma, beta, runningMean, runningVar, identity, gamma2, beta2, runningMean2, runningVar2] =
    inputs;
  const [w1, b1, w2, b2] = inputs.slice(10);
  const training = flagOf(attributes, 'training');
  const saved = training || flagOf(attributes, 'frozen');
  const norm = { eps: numberOf(attributes, 'eps'), training };
  const [z, mean, variance] = batchNorm.batch_norm([x, gamma, beta, runningMean, runningVar], norm);
  let y = z;
  let [sampleMean, hidden, gate, mean2, variance2, mask]: (RefTensor | undefined)[] = [];
  if (w1 !== undefined) {
    [sampleMean] = globalAvgPool.global_avg_pool([x]);
    const [q] = globalAvgPool.global_avg_pool([z]);
    const gated = {
      gate: textOf(attributes, 'gate'),
      hidden: textOf(attributes, 'hidden'),
      training: true,
    };
    [gate, hidden] = excite.excite([q, w1, b1, w2, b2], gated);
    [y] = multiply.multiply([z, gate]);
  }
  if (identity !== undefined) {
    let shortcut: RefTensor | undefined = identity;
    if (gamma2 !== undefined) {
      const norm2 = { eps: numberOf(attributes, 'eps2'), training };
      const projected = [identity, gamma2, beta2, runningMean2, runningVar2];
      [shortcut, mean2, variance2] = batchNorm.batch_norm(projected, norm2);
    }
    [y] = add.add([y, shortcut]);
  }
  if (flagOf(attributes, 'relu')) {
    [y] = activation.activation([y], { kind: 'relu' });
    if (identity !== undefined && y !== undefined) mask = packBits(y);
  }
  const extra = [sampleMean, hidden, gate, mask];
  return [y, mean, variance, mean2, variance2, ...(saved ? extra : extra.map(() => undefined))];
};

/** Positions of 1 where the ReLU lets the gradient through; without ReLU everywhere. */
function passes(z: RefTensor, inputs: readonly (RefTensor | undefined)[], attributes: Attributes): RefTensor {
  const [gate, mask] = inputs.slice(15);
  if (!flagOf(attributes, 'relu')) return map(z, () => 1);
  if (flagOf(attributes, 'identity')) return unpackBits(given(inputs, 16, 'norm_tail_grad mask'), z.shape);
  if (mask !== undefined) throw new Error('norm_tail_grad: expected no mask without identity');
  const [gated] = gate === undefined ? [z] : multiply.multiply([z, gate]);
  return map(given([gated], 0, 'gated'), (value) => (value > 0 ? 1 : 0));
}

const normTailGrad: Reference = (inputs, attributes) => {
  const [dyFirst, dyExtra, x, gamma, beta, mean, variance, identity, gamma2, mean2, variance2] = inputs;
  const [w1, w2, , hidden, gate] = inputs.slice(11);
  const norm = { eps: numberOf(attributes, 'eps'), training: flagOf(attributes, 'training') };
  const [dy] = dyExtra === undefined ? [dyFirst] : add.add([dyFirst, dyExtra]);
  const frozenNorm = { eps: norm.eps, training: false };
  const [z] = batchNorm.batch_norm([x, gamma, beta, mean, variance], frozenNorm);
  const zGiven = given([z], 0, 'z');
  const [g] = activation.activation_grad([dy, passes(zGiven, inputs, attributes)], { kind: 'relu' });

  let didentity = flagOf(attributes, 'identity') ? g : undefined;
  let [dgamma2, dbeta2, dw1, db1, dw2, db2]: (RefTensor | undefined)[] = [];
  if (flagOf(attributes, 'project')) {
    const norm2 = { eps: numberOf(attributes, 'eps2'), training: norm.training };
    [didentity, dgamma2, dbeta2] = batchNorm.batch_norm_grad([g, identity, gamma2, mean2, variance2], norm2);
  }

  let dz = g;
  if (flagOf(attributes, 'se')) {
    const { h, w } = mapSizes(zGiven);
    const gated = {
      gate: textOf(attributes, 'gate'),
      hidden: textOf(attributes, 'hidden'),
      bias: flagOf(attributes, 'bias'),
    };
    const [q] = globalAvgPool.global_avg_pool([z]);
    const [ds] = multiply.multiply_reduce([g, z]);
    let dq: RefTensor | undefined;
    [dq, dw1, db1, dw2, db2] = excite.excite_grad([ds, q, hidden, gate, w1, w2], gated);
    const [throughSqueeze] = globalAvgPool.global_avg_pool_grad([dq], { size: [h, w] });
    const [throughGate] = multiply.multiply([g, gate]);
    [dz] = add.add([throughGate, throughSqueeze]);
  }
  const [dx, dgamma, dbeta] = batchNorm.batch_norm_grad([dz, x, gamma, mean, variance], norm);
  return [dx, dgamma, dbeta, didentity, dgamma2, dbeta2, dw1, db1, dw2, db2];
};

export const reference = { norm_tail: normTail, norm_tail_grad: normTailGrad } satisfies References;
