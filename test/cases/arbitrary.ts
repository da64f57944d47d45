/** Random cases for fast-check; they shrink towards one element. */
import * as fc from 'fast-check';
import { activationKinds } from '../../lib/ops/activation.ts';
import { avgPoolCase } from './avg_pool.ts';
import type { OpCase } from './case.ts';
import { conv2dCase } from './conv2d.ts';
import { maxPoolCase } from './max_pool.ts';
import { normActivationCase } from './norm_activation.ts';
import { normTailCase } from './norm_tail.ts';
import type { Pool } from './pool_case.ts';

const upTo = (max: number, min = 1): fc.Arbitrary<number> => fc.integer({ min, max });

interface Axis {
  kernel: number;
  stride: number;
  dilation: number;
  before: number;
  after: number;
  size: number;
}

/** One spatial axis with at least one output; padding below the kernel's extent, so that no window is all padding. */
const axis = (limits: { kernel: number; dilation: number; map: number }): fc.Arbitrary<Axis> =>
  fc
    .record({
      kernel: upTo(limits.kernel),
      stride: upTo(4),
      dilation: upTo(limits.dilation),
      room: upTo(limits.map, 0),
    })
    .chain(({ kernel, stride, dilation, room }) => {
      const extent = dilation * (kernel - 1) + 1;
      const pad = upTo(Math.min(extent - 1, 3), 0);
      return fc.record({ before: pad, after: pad }).map(({ before, after }) => {
        const size = Math.max(1, extent - before - after) + room;
        return { kernel, stride, dilation, before, after, size };
      });
    });

/** Any convolution: grouped, depthwise, dilated, asymmetric. About a thousand multiplications to a hundred thousand. */
export const arbitraryConv2d: fc.Arbitrary<OpCase> = fc
  .record({
    n: upTo(3),
    vertical: axis({ kernel: 4, dilation: 3, map: 6 }),
    horizontal: axis({ kernel: 4, dilation: 3, map: 6 }),
    groups: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: upTo(9) }),
    channels: upTo(12),
    outputs: upTo(12),
    bias: fc.boolean(),
  })
  .map(({ n, vertical: v, horizontal: h, groups, channels, outputs, bias }) => {
    const perGroup = Math.ceil(channels / groups);
    return conv2dCase('random', {
      x: [n, v.size, h.size, perGroup * groups],
      k: Math.ceil(outputs / groups) * groups,
      kernel: [v.kernel, h.kernel],
      stride: [v.stride, h.stride],
      dilation: [v.dilation, h.dilation],
      padding: [v.before, v.after, h.before, h.after],
      groups,
      bias,
    });
  });

const arbitraryPool: fc.Arbitrary<Pool> = fc
  .record({
    n: upTo(3),
    vertical: axis({ kernel: 4, dilation: 1, map: 7 }),
    horizontal: axis({ kernel: 4, dilation: 1, map: 7 }),
    channels: upTo(19),
    ceil: fc.boolean(),
  })
  .map(({ n, vertical: v, horizontal: h, channels, ceil }) => ({
    name: 'random',
    x: [n, v.size, h.size, channels],
    kernel: [v.kernel, h.kernel],
    stride: [v.stride, h.stride],
    padding: [v.before, v.after, h.before, h.after],
    ceil,
  }));

/** Any max pool, with or without the index. */
export const arbitraryMaxPool: fc.Arbitrary<OpCase> = fc
  .tuple(arbitraryPool, fc.boolean())
  .map(([pool, training]) => maxPoolCase(pool, training));

/** Any average pool. */
export const arbitraryAvgPool: fc.Arbitrary<OpCase> = fc
  .tuple(arbitraryPool, fc.boolean())
  .map(([pool, countIncludePad]) => avgPoolCase(pool, countIncludePad));

/**
 * Any residual tail. Gradients are asked for when batch statistics come from at least five positions: those of very
 * few are badly conditioned (two positions normalize to +1 and -1 whatever they are).
 */
export const arbitraryNormTail: fc.Arbitrary<OpCase> = fc
  .record({
    shape: fc.tuple(upTo(4), upTo(6), upTo(6), upTo(19)),
    mode: fc.constantFrom('training' as const, 'frozen' as const, 'eval' as const),
    identity: fc.constantFrom('none' as const, 'plain' as const, 'projected' as const),
    se: fc.option(upTo(6), { nil: undefined }),
    gate: fc.constantFrom('sigmoid', 'tanh', 'relu', 'hard_sigmoid'),
    hidden: fc.constantFrom('relu', 'silu'),
    bias: fc.boolean(),
    relu: fc.boolean(),
  })
  .map(({ shape, se, ...tail }) => {
    const [n, h, w] = shape;
    const gradient = tail.mode === 'frozen' || n * h * w >= 5;
    return normTailCase('random', shape, { ...tail, ...(se !== undefined && { se }), gradient });
  });

/**
 * Any norm with an activation. Statistics of a batch only from at least five positions, for the same reason: behind the
 * activation the squeeze, and so the result, depends on how exactly the few are normalised. And biases, without which
 * all gates may be one difference near zero, and the result no more exact than that.
 */
export const arbitraryNormActivation: fc.Arbitrary<OpCase> = fc
  .record({
    shape: fc.tuple(upTo(4), upTo(6), upTo(6), upTo(19)),
    mode: fc.constantFrom('training' as const, 'frozen' as const, 'eval' as const),
    activation: fc.constantFrom(...activationKinds),
    se: fc.option(upTo(6), { nil: undefined }),
    gate: fc.constantFrom('sigmoid', 'tanh', 'relu', 'hard_sigmoid'),
    hidden: fc.constantFrom('relu', 'silu'),
  })
  .map(({ shape, se, mode, ...options }) => {
    const [n, h, w] = shape;
    const used = n * h * w < 5 && mode === 'training' ? 'frozen' : mode;
    return normActivationCase('random', shape, { ...options, mode: used, ...(se !== undefined && { se }) });
  });
