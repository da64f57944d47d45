/**
 * Batch norm, activation, and squeeze-and-excitation behind them, as in the inner width of the blocks of MobileNetV3,
 * EfficientNet and RegNetY:
 *
 *   y = gate * t,  t = act(BN(x)),  gate = excite(mean over positions of t) or 1
 *
 * The activation stands between norm and squeeze, so that, unlike in `norm_tail`, the squeeze does not follow from the
 * statistics of x: in training a gate takes one pass more forward, and none backward.
 */
import { ABSENT, f32, type TensorType } from '../ir/graph.ts';
import { activationKinds } from './activation.ts';
import { channelsOf } from './batch_norm.ts';
import { expectExcitation } from './excite.ts';
import { type GradientContext, type Op, type OpNode, pick } from './op.ts';

/** Input positions. */
const IN = { x: 0, gamma: 1, beta: 2, runningMean: 3, runningVar: 4, w1: 5, b1: 6, w2: 7, b2: 8 } as const;

/**
 * Output positions: y, and what the gradient and the running statistics need. `slopes` are the sums over positions of
 * act'(BN(x)), `slopesX` those of act'(BN(x)) * (x - mean).
 */
const OUT = { y: 0, mean: 1, variance: 2, squeeze: 3, hidden: 4, gate: 5, slopes: 6, slopesX: 7 } as const;

function infer(node: OpNode): (TensorType | undefined)[] {
  const { shape } = node.input(IN.x);
  const c = channelsOf(node, IN.x);
  for (let i: number = IN.gamma; i <= IN.runningVar; i += 1) {
    node.expect(i, [c], `one value for each of the ${c} channels`);
  }
  const se = node.optional(IN.w1) !== undefined;
  let reduced = 0;
  if (se) {
    if (shape.length !== 4) node.fail(IN.x, 'a feature map [N, H, W, C] for the squeeze', shape.join('x'));
    reduced = expectExcitation(node, IN.w1, c);
  }
  node.text('activation', activationKinds);
  node.number('eps');
  const training = node.flag('training');
  const saves = (training || node.flag('frozen')) && se;
  const statistics = training ? f32(c) : undefined;
  const gates = saves ? f32(shape[0]!, c) : undefined;
  const hidden = saves ? f32(shape[0]!, reduced) : undefined;
  return [f32(...shape), statistics, statistics, gates, hidden, gates, gates, gates];
}

function gradient(c: GradientContext): void {
  const training = c.attributes['training'] === true;
  const se = c.input(IN.w1) !== ABSENT;
  const outputs = c.emit(
    'norm_activation_grad',
    [
      c.gradient(OUT.y),
      ABSENT,
      c.input(IN.x),
      c.input(IN.gamma),
      c.input(IN.beta),
      training ? c.output(OUT.mean) : c.input(IN.runningMean),
      training ? c.output(OUT.variance) : c.input(IN.runningVar),
      c.input(IN.w1),
      c.input(IN.w2),
      c.output(OUT.squeeze),
      c.output(OUT.hidden),
      c.output(OUT.gate),
      c.output(OUT.slopes),
      c.output(OUT.slopesX),
    ],
    {
      ...pick(c.attributes, 'eps', 'activation', 'gate', 'hidden', 'training'),
      se,
      bias: c.input(IN.b1) !== ABSENT,
    },
  );
  [IN.x, IN.gamma, IN.beta, IN.w1, IN.b1, IN.w2, IN.b2].forEach((target, i) => {
    if (outputs[i] !== ABSENT && outputs[i] !== undefined) c.give(target, outputs[i]!);
  });
}

export const normActivation: Op = {
  name: 'norm_activation',
  inputs: ['x', 'gamma', 'beta', 'running_mean', 'running_var', 'w1?', 'b1?', 'w2?', 'b2?'],
  trainingAttributes: { training: true },
  infer,
  gradient,
  decompose(c) {
    const at = (from: number, count: number) => Array.from({ length: count }, (_, i) => c.input(from + i));
    const norm = pick(c.attributes, 'eps', 'training', 'frozen');
    const [z, mean, variance] = c.emit('batch_norm', at(IN.x, 5), norm) as [number, number, number];
    const t = c.emit('activation', [z], { kind: c.attributes['activation']! })[0]!;
    if (c.input(IN.w1) === ABSENT) return [t, mean, variance];
    const attributes = { squeeze: 'avg', ...pick(c.attributes, 'gate', 'hidden') };
    const y = c.emit('squeeze_excite', [t, ...at(IN.w1, 4)], attributes)[0]!;
    return [y, mean, variance];
  },
};

export const normActivationGrad: Op = {
  name: 'norm_activation_grad',
  inputs: [
    'dy',
    'dy_extra?',
    'x',
    'gamma',
    'beta',
    'mean',
    'variance',
    'w1?',
    'w2?',
    'squeeze?',
    'hidden?',
    'gate?',
    'slopes?',
    'slopes_x?',
  ],
  infer(node) {
    const { shape } = node.input(2);
    const perChannel = f32(shape.at(-1)!);
    const [se, bias] = [node.flag('se'), node.flag('bias')];
    const weight = (position: number) => (se ? f32(...node.input(position).shape) : undefined);
    return [
      f32(...shape),
      perChannel,
      perChannel,
      weight(7),
      se && bias ? f32(node.input(7).shape[0]!) : undefined,
      weight(8),
      se && bias ? perChannel : undefined,
    ];
  },
};
