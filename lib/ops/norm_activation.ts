import { ABSENT, f32 } from '../ir/graph.ts';
import { activationKinds } from './activation.ts';
import { channelsOf } from './batch_norm.ts';
import { expectExcitation } from './excite.ts';
import { type Op, pick } from './op.ts';

/**
 * Batch norm, activation, and squeeze-and-excitation behind them, as in the inner width of the blocks of MobileNetV3,
 * EfficientNet and RegNetY:
 *
 *   y = gate * t,  t = act(BN(x)),  gate = excite(mean over positions of t) or 1
 *
 * The activation stands between norm and squeeze, so that, unlike in `norm_tail`, the squeeze does not follow from the
 * statistics of x.
 */
export const normActivation: Op = {
  name: 'norm_activation',
  inputs: ['x', 'gamma', 'beta', 'running_mean', 'running_var', 'w1?', 'b1?', 'w2?', 'b2?'],
  infer(node) {
    const { shape } = node.input(0);
    const c = channelsOf(node, 0);
    for (let i = 1; i <= 4; i += 1) node.expect(i, [c], `one value for each of the ${c} channels`);
    if (node.optional(5) !== undefined) {
      if (shape.length !== 4) node.fail(0, 'a feature map [N, H, W, C] for the squeeze', shape.join('x'));
      expectExcitation(node, 5, c);
    }
    node.text('activation', activationKinds);
    node.number('eps');
    node.flag('training');
    return [f32(...shape)];
  },
  decompose(c) {
    const norm = [0, 1, 2, 3, 4].map((i) => c.input(i));
    const z = c.emit('batch_norm', norm, pick(c.attributes, 'eps', 'training', 'frozen'))[0]!;
    const t = c.emit('activation', [z], { kind: c.attributes['activation']! })[0]!;
    if (c.input(5) === ABSENT) return [t];
    const attributes = { squeeze: 'avg', ...pick(c.attributes, 'gate', 'hidden') };
    return [c.emit('squeeze_excite', [t, ...[5, 6, 7, 8].map((i) => c.input(i))], attributes)[0]!];
  },
};
