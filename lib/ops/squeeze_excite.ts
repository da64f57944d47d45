import { ABSENT, f32 } from '../ir/graph.ts';
import { expectExcitation } from './excite.ts';
import { type DecomposeContext, type Op, pick } from './op.ts';

/** What the squeeze does with the positions of a map (paper, Tables XI and XVI). */
export const squeezeKinds = ['avg', 'max', 'none'] as const;
export type SqueezeKind = (typeof squeezeKinds)[number];

/** A pointwise convolution with the weights of an FC layer, for the variant without squeeze. */
function pointwise(c: DecomposeContext, x: number, weight: number, bias: number): number {
  const [k, channels] = c.type(weight).shape as [number, number];
  const kernel = c.emit('reshape', [weight], { shape: [k, channels, 1, 1] })[0]!;
  const attributes = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
  return c.emit('conv2d', bias === ABSENT ? [x, kernel] : [x, kernel, bias], attributes)[0]!;
}

/** The squeeze-and-excitation block: scales each channel of a map by a gate computed from all of them. */
export const squeezeExcite: Op = {
  name: 'squeeze_excite',
  inputs: ['x', 'w1', 'b1?', 'w2', 'b2?'],
  infer(node) {
    const shape = node.map(0);
    expectExcitation(node, 1, shape[3]);
    node.text('squeeze', squeezeKinds);
    return [f32(...shape)];
  },
  decompose(c) {
    const [x, w1, b1, w2, b2] = [0, 1, 2, 3, 4].map((i) => c.input(i)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (c.attributes['squeeze'] === 'none') {
      const hidden = c.emit('activation', [pointwise(c, x, w1, b1)], { kind: c.attributes['hidden']! })[0]!;
      const gate = c.emit('activation', [pointwise(c, hidden, w2, b2)], { kind: c.attributes['gate']! })[0]!;
      return [c.emit('multiply', [x, gate])[0]!];
    }
    const pooled =
      c.attributes['squeeze'] === 'max'
        ? c.emit('global_max_pool', [x], { training: false })[0]!
        : c.emit('global_avg_pool', [x])[0]!;
    const attributes = { ...pick(c.attributes, 'gate', 'hidden'), training: false };
    const gate = c.emit('excite', [pooled, w1, b1, w2, b2], attributes)[0]!;
    return [c.emit('multiply', [x, gate])[0]!];
  },
};
