import { reference as activation } from './activation.ts';
import { flagOf, numberOf, textOf } from './attributes.ts';
import { reference as batchNorm } from './batch_norm.ts';
import { reference as squeezeExcite } from './squeeze_excite.ts';
import type { References } from './tensor.ts';

export const reference = {
  norm_activation(inputs, attributes) {
    const norm = { eps: numberOf(attributes, 'eps'), training: flagOf(attributes, 'training') };
    const [z] = batchNorm.batch_norm(inputs.slice(0, 5), norm);
    const t = activation.activation([z], { kind: textOf(attributes, 'activation') });
    const [w1, b1, w2, b2] = inputs.slice(5);
    if (w1 === undefined) return t;
    const gates = { gate: textOf(attributes, 'gate'), hidden: textOf(attributes, 'hidden') };
    return squeezeExcite.squeeze_excite([...t, w1, b1, w2, b2], { squeeze: 'avg', ...gates });
  },
} satisfies References;
