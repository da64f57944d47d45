import { reference as activation } from './activation.ts';
import { flagOf, textOf } from './attributes.ts';
import { reference as linear } from './linear.ts';
import { given, type Reference, type References } from './tensor.ts';

const apply: Reference = (inputs, attributes) => activation.activation(inputs, attributes);
const slope: Reference = (inputs, attributes) => activation.activation_grad(inputs, attributes);

export const reference = {
  excite(inputs, attributes) {
    const [q, w1, b1, w2, b2] = inputs;
    const [hidden] = apply(linear.linear([q, w1, b1]), { kind: 'relu' });
    const [s] = apply(linear.linear([hidden, w2, b2]), { kind: textOf(attributes, 'gate') });
    return [s, flagOf(attributes, 'training') ? hidden : undefined];
  },

  excite_grad(inputs, attributes) {
    const [ds, q, hidden, s, w1, w2] = inputs;
    given(inputs, 5, 'excite_grad w2');
    const bias = { bias: flagOf(attributes, 'bias') };
    const [du] = slope([ds, s], { kind: textOf(attributes, 'gate') });
    const [dw2, db2] = linear.linear_grad_weight([hidden, du], bias);
    const [dhidden] = linear.linear_grad_input([du, w2]);
    const [dv] = slope([dhidden, hidden], { kind: 'relu' });
    const [dw1, db1] = linear.linear_grad_weight([q, dv], bias);
    const [dq] = linear.linear_grad_input([dv, w1]);
    return [dq, dw1, db1, dw2, db2];
  },
} satisfies References;
