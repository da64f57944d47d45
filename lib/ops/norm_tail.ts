/**
 * Batch norm and everything that can ride on its passes: the gate of a squeeze-and-excitation block, the shortcut
 * (with its own batch norm when it is projected), and the ReLU:
 *
 *   y = act(gate * BN(x) + identity),  gate = excite(mean over positions of BN(x)) or 1
 *
 * BN is affine per channel, so the squeeze of its output follows from the per-image means of x, which the statistics
 * need anyway: in training two passes forward and two backward suffice, with or without SE.
 */
import { ABSENT, f32, sizeOf, type TensorType, u8 } from '../ir/graph.ts';
import { channelsOf } from './batch_norm.ts';
import { expectExcitation } from './excite.ts';
import { type GradientContext, type Op, type OpNode, pick } from './op.ts';

/** Input positions. */
const IN = {
  x: 0,
  gamma: 1,
  beta: 2,
  runningMean: 3,
  runningVar: 4,
  identity: 5,
  gamma2: 6,
  beta2: 7,
  runningMean2: 8,
  runningVar2: 9,
  w1: 10,
  b1: 11,
  w2: 12,
  b2: 13,
} as const;

/** Output positions: y, and what the gradient and the running statistics need. */
const OUT = {
  y: 0,
  mean: 1,
  variance: 2,
  mean2: 3,
  variance2: 4,
  sampleMean: 5,
  hidden: 6,
  gate: 7,
  mask: 8,
} as const;

function infer(node: OpNode): (TensorType | undefined)[] {
  const { shape } = node.input(IN.x);
  const c = channelsOf(node, IN.x);
  for (let i: number = IN.gamma; i <= IN.runningVar; i += 1)
    node.expect(i, [c], `one value for each of ${c} channels`);
  const identity = node.optional(IN.identity) !== undefined;
  const project = node.optional(IN.gamma2) !== undefined;
  const se = node.optional(IN.w1) !== undefined;
  if (identity) node.expect(IN.identity, shape, 'the shape of x');
  if (project) {
    node.input(IN.identity);
    for (let i: number = IN.gamma2; i <= IN.runningVar2; i += 1) node.expect(i, [c], 'one value per channel');
    node.number('eps2');
  }
  let reduced = 0;
  if (se) {
    if (shape.length !== 4) node.fail(IN.x, 'a feature map [N, H, W, C] for the squeeze', shape.join('x'));
    reduced = expectExcitation(node, IN.w1, c);
  }
  node.number('eps');
  const training = node.flag('training');
  const saves = training || node.flag('frozen');
  const n = shape[0]!;
  const statistics = training ? f32(c) : undefined;
  return [
    f32(...shape),
    statistics,
    statistics,
    project ? statistics : undefined,
    project ? statistics : undefined,
    saves && se ? f32(n, c) : undefined,
    saves && se ? f32(n, reduced) : undefined,
    saves && se ? f32(n, c) : undefined,
    saves && identity && node.flag('relu') ? u8(Math.ceil(sizeOf(shape) / 8)) : undefined,
  ];
}

function gradient(c: GradientContext): void {
  const training = c.attributes['training'] === true;
  const statistic = (output: number, running: number) => (training ? c.output(output) : c.input(running));
  const identity = c.input(IN.identity) !== ABSENT;
  const project = c.input(IN.gamma2) !== ABSENT;
  const se = c.input(IN.w1) !== ABSENT;
  const bias = c.input(IN.b1) !== ABSENT;
  const outputs = c.emit(
    'norm_tail_grad',
    [
      c.gradient(OUT.y),
      ABSENT,
      c.input(IN.x),
      c.input(IN.gamma),
      c.input(IN.beta),
      statistic(OUT.mean, IN.runningMean),
      statistic(OUT.variance, IN.runningVar),
      project ? c.input(IN.identity) : ABSENT,
      c.input(IN.gamma2),
      project ? statistic(OUT.mean2, IN.runningMean2) : ABSENT,
      project ? statistic(OUT.variance2, IN.runningVar2) : ABSENT,
      c.input(IN.w1),
      c.input(IN.w2),
      c.output(OUT.sampleMean),
      c.output(OUT.hidden),
      c.output(OUT.gate),
      c.output(OUT.mask),
    ],
    {
      ...pick(c.attributes, 'eps', 'eps2', 'relu', 'gate', 'hidden', 'training'),
      identity,
      project,
      se,
      bias,
    },
  );
  const targets = [IN.x, IN.gamma, IN.beta, IN.identity, IN.gamma2, IN.beta2, IN.w1, IN.b1, IN.w2, IN.b2];
  targets.forEach((target, i) => {
    if (outputs[i] !== ABSENT && outputs[i] !== undefined) c.give(target, outputs[i]!);
  });
}

export const normTail: Op = {
  name: 'norm_tail',
  inputs: [
    'x',
    'gamma',
    'beta',
    'running_mean',
    'running_var',
    'identity?',
    'gamma2?',
    'beta2?',
    'running_mean2?',
    'running_var2?',
    'w1?',
    'b1?',
    'w2?',
    'b2?',
  ],
  trainingAttributes: { training: true },
  infer,
  gradient,
  decompose(c) {
    const at = (from: number, count: number) => Array.from({ length: count }, (_, i) => c.input(from + i));
    const norm = (inputs: number[], eps: 'eps' | 'eps2') =>
      c.emit('batch_norm', inputs, { eps: c.attributes[eps]!, training: c.attributes['training']! });
    const [z, mean, variance] = norm(at(IN.x, 5), 'eps') as [number, number, number];
    let y = z;
    if (c.input(IN.w1) !== ABSENT) {
      const attributes = { squeeze: 'avg', ...pick(c.attributes, 'gate', 'hidden') };
      y = c.emit('squeeze_excite', [z, ...at(IN.w1, 4)], attributes)[0]!;
    }
    let mean2 = ABSENT;
    let variance2 = ABSENT;
    if (c.input(IN.identity) !== ABSENT) {
      let identity = c.input(IN.identity);
      if (c.input(IN.gamma2) !== ABSENT) {
        [identity, mean2, variance2] = norm([identity, ...at(IN.gamma2, 4)], 'eps2') as [
          number,
          number,
          number,
        ];
      }
      y = c.emit('add', [y, identity])[0]!;
    }
    if (c.attributes['relu'] === true) y = c.emit('activation', [y], { kind: 'relu' })[0]!;
    return [y, mean, variance, mean2, variance2];
  },
};

export const normTailGrad: Op = {
  name: 'norm_tail_grad',
  inputs: [
    'dy',
    'dy_extra?',
    'x',
    'gamma',
    'beta',
    'mean',
    'variance',
    'identity?',
    'gamma2?',
    'mean2?',
    'variance2?',
    'w1?',
    'w2?',
    'sample_mean?',
    'hidden?',
    'gate?',
    'mask?',
  ],
  infer(node) {
    const { shape } = node.input(2);
    const perChannel = f32(shape.at(-1)!);
    const [identity, project, se, bias] = [
      node.flag('identity'),
      node.flag('project'),
      node.flag('se'),
      node.flag('bias'),
    ];
    const when = (condition: boolean, position: number) =>
      condition ? f32(...node.input(position).shape) : undefined;
    return [
      f32(...shape),
      perChannel,
      perChannel,
      identity ? f32(...shape) : undefined,
      project ? perChannel : undefined,
      project ? perChannel : undefined,
      when(se, 11),
      se && bias ? f32(node.input(11).shape[0]!) : undefined,
      when(se, 12),
      se && bias ? perChannel : undefined,
    ];
  },
};
