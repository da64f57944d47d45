/**
 * The chain rule over the reference: what each op's gradient is in terms of gradient ops, and a tape that applies it
 * to compositions. Written apart from the library's gradient rules, so that neither inherits the other's mistakes.
 */
import { type Attributes, sameShape } from '../../lib/ir/graph.ts';
import { fromInput } from './activation.ts';
import { flagOf, numberOf, paddingOf, textOf } from './attributes.ts';
import { evaluate } from './index.ts';
import { channelsOf, given, mapSizes, type RefTensor, type Slots, zip } from './tensor.ts';

/** Gradients with respect to the inputs, by position, given the gradient `dy` of the first output. */
type Gradient = (dy: RefTensor, inputs: Slots, outputs: Slots, attributes: Attributes) => Slots;

const sizeOfMap = (x: RefTensor): [number, number] => {
  const { h, w } = mapSizes(x);
  return [h, w];
};

const poolGradient =
  (op: string): Gradient =>
  (dy, inputs, outputs, attributes) => {
    const size = sizeOfMap(given(inputs, 0, op));
    const saved = op === 'max_pool' ? [dy, outputs[1]] : [dy];
    return evaluate(`${op}_grad`, saved, { ...attributes, size });
  };

const linearGradient: Gradient = (dy, [x, weight, bias]) => [
  ...evaluate('linear_grad_input', [dy, weight], {}),
  ...evaluate('linear_grad_weight', [x, dy], { bias: bias !== undefined }),
];

const conv2dGradient: Gradient = (dy, inputs, _, attributes) => {
  const [x, weight, bias] = inputs;
  const size = sizeOfMap(given(inputs, 0, 'x'));
  const kernel = given(inputs, 1, 'weight').shape.slice(2);
  return [
    ...evaluate('conv2d_grad_input', [dy, weight], { ...attributes, size }),
    ...evaluate('conv2d_grad_weight', [x, dy], { ...attributes, kernel, bias: bias !== undefined }),
  ];
};

const batchNormGradient: Gradient = (dy, inputs, outputs, attributes) => {
  const [x, gamma, , runningMean, runningVar] = inputs;
  const saved = flagOf(attributes, 'training') ? [outputs[1], outputs[2]] : [runningMean, runningVar];
  return evaluate('batch_norm_grad', [dy, x, gamma, ...saved], attributes);
};

const exciteGradient: Gradient = (dy, [q, w1, b1, w2], [s, hidden], attributes) =>
  evaluate('excite_grad', [dy, q, hidden, s, w1, w2], { ...attributes, bias: b1 !== undefined });

const multiplyGradient: Gradient = (dy, [x, s]) => {
  const reduced = s?.shape.length !== x?.shape.length;
  return [
    ...evaluate('multiply', [dy, s], {}),
    ...evaluate(reduced ? 'multiply_reduce' : 'multiply', [dy, x], {}),
  ];
};

const concatGradient: Gradient = (dy, inputs) => {
  let end = 0;
  return inputs.map((_, i) => {
    const start = end;
    end += channelsOf(given(inputs, i, 'concat'));
    return evaluate('channel_slice', [dy], { start, end })[0];
  });
};

const squeezeExciteGradient: Gradient = (dy, inputs, _, attributes) => {
  const tape = new Tape();
  const [x, w1, b1, w2, b2] = inputs.map((input) => (input === undefined ? undefined : tape.leaf(input)));
  const gates = { gate: textOf(attributes, 'gate'), hidden: textOf(attributes, 'hidden') };
  const squeeze = textOf(attributes, 'squeeze');
  let y: Variable;
  if (squeeze === 'none') {
    const pointwise = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
    const kernel = (weight: Variable | undefined) =>
      tape.apply('reshape', [weight], { shape: [...weight!.value.shape, 1, 1] });
    const first = tape.apply('conv2d', [x, kernel(w1), b1], pointwise);
    const hidden = tape.apply('activation', [first], { kind: gates.hidden });
    const second = tape.apply('conv2d', [hidden, kernel(w2), b2], pointwise);
    y = tape.apply('multiply', [x, tape.apply('activation', [second], { kind: gates.gate })]);
  } else {
    const q = tape.apply(`global_${squeeze}_pool`, [x], { training: true });
    y = tape.apply('multiply', [x, tape.apply('excite', [q, w1, b1, w2, b2], { ...gates, training: true })]);
  }
  const gradients = tape.gradients(y, dy);
  return [x, w1, b1, w2, b2].map((variable) => variable && gradients.get(variable));
};

const normActivationGradient: Gradient = (dy, inputs, outputs, attributes) => {
  const [x, gamma, beta, runningMean, runningVar, w1, b1, w2] = inputs;
  const statistics = flagOf(attributes, 'training') ? outputs.slice(1, 3) : [runningMean, runningVar];
  const [dx, dgamma, dbeta, dw1, db1, dw2, db2] = evaluate(
    'norm_activation_grad',
    [dy, undefined, x, gamma, beta, ...statistics, w1, w2, ...outputs.slice(3, 8)],
    { ...attributes, bias: b1 !== undefined, se: w1 !== undefined },
  );
  return [dx, dgamma, dbeta, undefined, undefined, dw1, db1, dw2, db2];
};

const normTailGradient: Gradient = (dy, inputs, outputs, attributes) => {
  const [x, gamma, beta, runningMean, runningVar, identity, gamma2, , runningMean2, runningVar2] = inputs;
  const [w1, b1, w2] = inputs.slice(10);
  const training = flagOf(attributes, 'training');
  const statistics = training ? outputs.slice(1, 5) : [runningMean, runningVar, runningMean2, runningVar2];
  const [mean, variance, mean2, variance2] = statistics;
  const project = gamma2 !== undefined;
  const saved = outputs.slice(5, 9);
  const [dx, dgamma, dbeta, didentity, dgamma2, dbeta2, dw1, db1, dw2, db2] = evaluate(
    'norm_tail_grad',
    [dy, undefined, x, gamma, beta, mean, variance]
      .concat(project ? [identity, gamma2, mean2, variance2] : [undefined, undefined, undefined, undefined])
      .concat([w1, w2], saved),
    {
      ...attributes,
      bias: b1 !== undefined,
      identity: identity !== undefined,
      project,
      se: w1 !== undefined,
    },
  );
  const none = undefined;
  return [dx, dgamma, dbeta, none, none, didentity, dgamma2, dbeta2, none, none, dw1, db1, dw2, db2];
};

/** The gradient of each differentiable op. */
export const gradients: Readonly<Record<string, Gradient>> = {
  conv2d: conv2dGradient,
  linear: linearGradient,
  batch_norm: batchNormGradient,
  activation: (dy, [x], [y], attributes) =>
    evaluate('activation_grad', [dy, fromInput.has(textOf(attributes, 'kind')) ? x : y], attributes),
  max_pool: poolGradient('max_pool'),
  avg_pool: poolGradient('avg_pool'),
  global_avg_pool: (dy, inputs) =>
    evaluate('global_avg_pool_grad', [dy], { size: sizeOfMap(given(inputs, 0, 'x')) }),
  global_max_pool: (dy, inputs, [, index]) =>
    evaluate('global_max_pool_grad', [dy, index], { size: sizeOfMap(given(inputs, 0, 'x')) }),
  add: (dy) => [dy, dy],
  multiply: multiplyGradient,
  multiply_reduce: (dy, [a, b]) => [
    ...evaluate('multiply', [b, dy], {}),
    ...evaluate('multiply', [a, dy], {}),
  ],
  concat: concatGradient,
  channel_slice: (dy, inputs, _, attributes) =>
    evaluate('channel_slice_grad', [dy], {
      start: numberOf(attributes, 'start'),
      channels: channelsOf(given(inputs, 0, 'x')),
    }),
  channel_shuffle: (dy, inputs, _, attributes) =>
    evaluate('channel_shuffle', [dy], {
      groups: channelsOf(given(inputs, 0, 'x')) / numberOf(attributes, 'groups'),
    }),
  pad: (dy, _, __, attributes) =>
    evaluate('pad', [dy], { padding: paddingOf(attributes).map((side) => 0 - side) }),
  flatten: (dy, inputs) => {
    const x = given(inputs, 0, 'x');
    return evaluate('unflatten', [dy], { size: sizeOfMap(x), channels: channelsOf(x) });
  },
  unflatten: (dy) => evaluate('flatten', [dy], {}),
  reshape: (dy, inputs) => evaluate('reshape', [dy], { shape: given(inputs, 0, 'x').shape }),
  scale: (dy, _, __, attributes) => evaluate('scale', [dy], attributes),
  dropout: (dy, [, key], _, attributes) => evaluate('dropout', [dy, key], attributes),
  softmax_cross_entropy: (dy, [, labels], [, probabilities], attributes) =>
    evaluate('softmax_cross_entropy_grad', [probabilities, labels, dy], attributes),
  excite: exciteGradient,
  squeeze_excite: squeezeExciteGradient,
  norm_activation: normActivationGradient,
  norm_tail: normTailGradient,
};

/** A tensor on a {@link Tape}. */
export interface Variable {
  readonly value: RefTensor;
}

interface Entry {
  op: string;
  inputs: readonly (Variable | undefined)[];
  outputs: Slots;
  result: Variable;
  attributes: Attributes;
}

/** Records ops while computing them, then walks back. */
export class Tape {
  readonly #entries: Entry[] = [];

  leaf(value: RefTensor): Variable {
    return { value };
  }

  /** The first output of an op. */
  apply(op: string, inputs: readonly (Variable | undefined)[], attributes: Attributes = {}): Variable {
    const outputs = evaluate(
      op,
      inputs.map((input) => input?.value),
      attributes,
    );
    const result = { value: given(outputs, 0, op) };
    this.#entries.push({ op, inputs, outputs, result, attributes });
    return result;
  }

  /** Gradients with respect to every variable that `y` depends on, given its own gradient `dy`. */
  gradients(y: Variable, dy: RefTensor): Map<Variable, RefTensor> {
    const found = new Map([[y, dy]]);
    for (const { op, inputs, outputs, result, attributes } of this.#entries.toReversed()) {
      const arriving = found.get(result);
      if (arriving === undefined) continue;
      const slots = inputs.map((input) => input?.value);
      const gradient = gradients[op];
      if (gradient === undefined) throw new Error(`${op} has no gradient`);
      gradient(arriving, slots, outputs, attributes).forEach((part, position) => {
        const variable = inputs[position];
        if (part === undefined || variable === undefined) return;
        if (!sameShape(part.shape, variable.value.shape))
          throw new Error(`${op}: gradient ${position} misshapen`);
        const before = found.get(variable);
        found.set(variable, before === undefined ? part : zip(before, part, (a, b) => a + b));
      });
    }
    return found;
  }
}
