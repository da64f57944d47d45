import { reference as activation } from './activation.ts';
import { textOf } from './attributes.ts';
import { reference as conv2d } from './conv2d.ts';
import { reference as excite } from './excite.ts';
import { reference as globalAvgPool } from './global_avg_pool.ts';
import { reference as globalMaxPool } from './global_max_pool.ts';
import { reference as multiply } from './multiply.ts';
import { given, type References, type RefTensor, tensor } from './tensor.ts';

/** Attributes of a 1x1 convolution. */
export const pointwise = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };

/** A linear weight [K, C] as a 1x1 convolution's. */
export const asPointwise = (weight: RefTensor): RefTensor => tensor([...weight.shape, 1, 1], weight.data);

export const reference = {
  squeeze_excite(inputs, attributes) {
    const [x, w1, b1, w2, b2] = inputs;
    const gate = textOf(attributes, 'gate');
    const kind = textOf(attributes, 'hidden');
    const squeeze = textOf(attributes, 'squeeze');
    if (squeeze === 'none') {
      const first = conv2d.conv2d([x, asPointwise(given(inputs, 1, 'w1')), b1], pointwise);
      const hidden = activation.activation(first, { kind });
      const second = conv2d.conv2d([hidden[0], asPointwise(given(inputs, 3, 'w2')), b2], pointwise);
      const [s] = activation.activation(second, { kind: gate });
      return multiply.multiply([x, s]);
    }
    const [q] =
      squeeze === 'max'
        ? globalMaxPool.global_max_pool([x], { training: false })
        : globalAvgPool.global_avg_pool([x]);
    const [s] = excite.excite([q, w1, b1, w2, b2], { gate, hidden: kind });
    return multiply.multiply([x, s]);
  },
} satisfies References;
