import { reference as activation, fromInput } from './activation.ts';
import { flagOf, textOf } from './attributes.ts';
import { reference as linear } from './linear.ts';
import { given, type Reference, type References } from './tensor.ts';

const apply: Reference = (inputs, attributes) => activation.activation(inputs, attributes);
const slope: Reference = (inputs, attributes) => activation.activation_grad(inputs, attributes);

export const reference = {
  excite(inputs, attributes) {
    const [q, w1, b1, w2, b2] = inputs;
    const [hidden] = linear.linear([q, w1, b1]);
    const active = apply([hidden], { kind: textOf(attributes, 'hidden') });
    const [s] = apply(linear.linear([...active, w2, b2]), { kind: textOf(attributes, 'gate') });
    return [s, flagOf(attributes, 'training') ? hidden : undefined];
  },

  excite_grad(inputs, attributes) {
    const [ds, q, hidden, s, w1, w2] = inputs;
    given(inputs, 5, 'excite_grad w2');
    const bias = { bias: flagOf(attributes, 'bias') };
    const [du] = slope([ds, s], { kind: textOf(attributes, 'gate') });
    const kind = { kind: textOf(attributes, 'hidden') };
    const [active] = apply([hidden], kind);
    const [dw2, db2] = linear.linear_grad_weight([active, du], bias);
    const [dactive] = linear.linear_grad_input([du, w2]);
    const [dv] = slope([dactive, fromInput.has(kind.kind) ? hidden : active], kind);
    const [dw1, db1] = linear.linear_grad_weight([q, dv], bias);
    const [dq] = linear.linear_grad_input([dv, w1]);
    return [dq, dw1, db1, dw2, db2];
  },
} satisfies References;
