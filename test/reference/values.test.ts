/** Values known from elsewhere, for what the chain rule cannot find: definitions. */
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../lib/ir/graph.ts';
import { philox } from './dropout.ts';
import { evaluate } from './index.ts';
import { packBits, unpackBits } from './norm_tail.ts';
import { type RefTensor, tensor } from './tensor.ts';

/** 1, 2, 3, ... in a shape. */
const counting = (...shape: number[]): RefTensor => {
  const t = tensor(shape);
  t.data.forEach((_, i) => {
    t.data[i] = i + 1;
  });
  return t;
};

const run = (op: string, inputs: (RefTensor | undefined)[], attributes: Attributes = {}) =>
  evaluate(op, inputs, attributes).map((output) => output && { shape: output.shape, data: [...output.data] });

const window = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceil: false };

test('philox gives the published words', () => {
  const hex = (words: number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
  const ones = 0xffffffff;
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  expect(hex(philox([ones, ones, ones, ones], [ones, -1]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('dropout keeps about 1 - rate and the mean', () => {
  const key = tensor([2], [7, -9]);
  const ones = tensor([40_000], new Float64Array(40_000).fill(1));
  const { data } = run('dropout', [ones, key], { rate: 0.25, stream: 3, whole: false })[0]!;
  const kept = data.filter((value) => value !== 0);
  expect(kept.every((value) => value === 1 / 0.75)).toBe(true);
  expect(Math.abs(kept.length / data.length - 0.75)).toBeLessThan(0.01);
});

describe('conv2d', () => {
  const plain = { stride: [1, 1], dilation: [1, 1], groups: 1 };

  test('correlates, does not flip, and pads top, bottom, left, right', () => {
    const x = counting(1, 2, 2, 1);
    const weight = tensor([1, 1, 2, 2], [1, 10, 100, 1000]);
    const [y] = run('conv2d', [x, weight, undefined], { ...plain, padding: [1, 0, 0, 1] });
    expect(y).toEqual({ shape: [1, 2, 2, 1], data: [2100, 200, 4321, 402] });
  });

  test('orders weights as output, input, row, column', () => {
    const x = tensor([1, 1, 2, 2], [1, 2, 3, 4]);
    const weight = tensor([2, 2, 1, 2], [1, 10, 100, 1000, 1, 0, 0, 0]);
    const [y] = run('conv2d', [x, weight, tensor([2], [0.5, 0])], { ...plain, padding: [0, 0, 0, 0] });
    expect(y!.data).toEqual([1 + 30 + 200 + 4000 + 0.5, 1]);
  });
});

describe('pools', () => {
  test('first maximum, index in the window', () => {
    const x = tensor([1, 2, 4, 1], [5, 5, 1, 2, 5, 0, 3, 3]);
    const [y, index] = run('max_pool', [x], { ...window, training: true });
    expect(y!.data).toEqual([5, 3]);
    expect(index!.data).toEqual([0, 2]);
  });

  test('padding never wins', () => {
    const x = tensor([1, 1, 1, 1], [-3]);
    const [y, index] = run('max_pool', [x], { ...window, padding: [1, 0, 1, 0], training: true });
    expect([y!.data, index!.data]).toEqual([[-3], [3]]);
  });

  test('divisors with and without padding', () => {
    const x = counting(1, 3, 3, 1);
    const padded = { ...window, kernel: [3, 3], padding: [1, 1, 1, 1], ceil: true };
    expect(run('avg_pool', [x], { ...padded, countIncludePad: true })[0]!.data).toEqual(
      [12, 16, 24, 28].map((sum) => sum / 9),
    );
    expect(run('avg_pool', [x], { ...padded, countIncludePad: false })[0]!.data).toEqual([3, 4, 6, 7]);
  });

  test('a window beyond the padding is clipped to it', () => {
    const attributes = { ...window, padding: [0, 1, 0, 0], kernel: [3, 1], stride: [2, 1], ceil: true };
    const x = tensor([1, 4, 1, 1], [1, 2, 3, 4]);
    expect(run('avg_pool', [x], { ...attributes, countIncludePad: true })[0]!.data).toEqual([2, 7 / 3]);
    const narrow = { ...attributes, padding: [0, 0, 0, 0] };
    expect(run('avg_pool', [x], { ...narrow, countIncludePad: true })[0]!.data).toEqual([2, 3.5]);
  });

  test('ceil mode rounds up, but no window starts beyond the input', () => {
    const rows = (size: number, kernel: number, stride: number, pad: number, ceil: boolean) => {
      const padding = [pad, pad, pad, pad];
      const attributes = {
        kernel: [kernel, kernel],
        stride: [stride, stride],
        padding,
        ceil,
        training: false,
      };
      return run('max_pool', [counting(1, size, size, 1)], attributes)[0]!.shape[1];
    };
    expect([rows(6, 3, 2, 0, false), rows(6, 3, 2, 0, true)]).toEqual([2, 3]);
    expect([rows(4, 2, 3, 1, false), rows(4, 2, 3, 1, true)]).toEqual([2, 2]);
    expect([rows(5, 2, 3, 1, false), rows(5, 2, 3, 1, true)]).toEqual([2, 2]);
    expect([rows(6, 2, 3, 1, false), rows(6, 2, 3, 1, true)]).toEqual([3, 3]);
  });

  test('global maximum, first position', () => {
    const x = tensor([1, 2, 2, 2], [1, 9, 4, 9, 4, 0, 2, 9]);
    const [y, index] = run('global_max_pool', [x], { training: true });
    expect([y!.data, index!.data]).toEqual([
      [4, 9],
      [1, 0],
    ]);
  });
});

test('batch_norm divides by the biased variance', () => {
  const x = tensor([1, 1, 3, 1], [1, 2, 6]);
  const one = tensor([1], [1]);
  const [y, mean, variance] = run('batch_norm', [x, one, one, one, one], { eps: 2, training: true });
  expect(mean!.data).toEqual([3]);
  expect(variance!.data[0]).toBeCloseTo(14 / 3, 14);
  expect(y!.data[2]).toBeCloseTo(1 + 3 / Math.sqrt(14 / 3 + 2), 14);
});

test('running statistics take the unbiased variance', () => {
  const [mean, variance] = [tensor([1], [1]), tensor([1], [2])];
  const inputs = [mean, variance, tensor([1], [3]), tensor([1], [4])];
  evaluate('running_update', inputs, { momentum: 0.25, counts: [5] });
  expect([mean.data[0], variance.data[0]]).toEqual([1.5, 2.75]);
  evaluate('running_update', inputs, { momentum: 0.5, counts: [1] });
  expect(variance.data[0]).toBe(3.375);
});

describe('channels', () => {
  test('shuffle interleaves the groups', () => {
    expect(run('channel_shuffle', [counting(1, 6)], { groups: 2 })[0]!.data).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test('pad puts zeros around, and cuts off', () => {
    const [y] = run('pad', [counting(1, 2, 3, 1)], { padding: [1, -1, -1, 2] });
    expect(y).toEqual({ shape: [1, 2, 4, 1], data: [0, 0, 0, 0, 2, 3, 0, 0] });
  });

  test('flatten is channel first', () => {
    const [y] = run('flatten', [counting(1, 1, 2, 3)]);
    expect(y).toEqual({ shape: [1, 6], data: [1, 4, 2, 5, 3, 6] });
  });

  test('concat then slice gives the parts back', () => {
    const [a, b] = [counting(2, 1, 2, 3), counting(2, 1, 2, 2)];
    const joined = evaluate('concat', [a, b], {})[0];
    expect(run('channel_slice', [joined], { start: 3, end: 5 })[0]!.data).toEqual([...b.data]);
    expect([...joined!.data.subarray(0, 5)]).toEqual([1, 2, 3, 1, 2]);
  });
});

describe('loss and accuracy', () => {
  test('uniform logits cost log K', () => {
    const [loss] = run('softmax_cross_entropy', [tensor([2, 4]), tensor([2], [0, 3])], { smoothing: 0.3 });
    expect(loss!.data[0]).toBeCloseTo(Math.log(4), 14);
  });

  test('smoothing moves weight to all classes', () => {
    const logits = tensor([1, 2], [Math.log(3), 0]);
    const [loss] = run('softmax_cross_entropy', [logits, tensor([1], [0])], { smoothing: 0.5 });
    expect(loss!.data[0]).toBeCloseTo(0.75 * Math.log(4 / 3) + 0.25 * Math.log(4), 14);
  });

  test('ties count for the label', () => {
    const logits = tensor([2, 3], [1, 1, 0, 1, 2, 2]);
    expect(run('top_k_correct', [logits, tensor([2], [1, 0])], { k: 1 })[0]!.data).toEqual([1]);
    expect(run('top_k_correct', [logits, tensor([2], [1, 0])], { k: 3 })[0]!.data).toEqual([2]);
    const soft = tensor([2, 3], [0.2, 0.5, 0.3, 0, 0.1, 0.9]);
    expect(run('top_k_correct', [logits, soft], { k: 1 })[0]!.data).toEqual([2]);
  });

  test('assert_finite names what and where', () => {
    const bad = tensor([3], [0, 1, Number.NaN]);
    expect(() => run('assert_finite', [tensor([1]), bad], { what: 'gradient' })).toThrow(
      'gradient 1 at element 2',
    );
  });
});

describe('sgd', () => {
  const step = (momentum: number | undefined, options: Attributes) => {
    const [p, g, v] = [tensor([1], [2]), tensor([1], [3]), tensor([1], [4])];
    const lr = tensor([], [0.5]);
    const slots = momentum === undefined ? [lr, undefined, p, g] : [lr, tensor([], [momentum]), p, g, v];
    evaluate('sgd', slots, options);
    return [p.data[0], g.data[0], v.data[0]];
  };

  test('plain with decay', () => {
    expect(step(undefined, { nesterov: false, decays: [0.25], rates: [1], scaled: false })).toEqual([
      2 - 0.5 * 3.5,
      3,
      4,
    ]);
  });

  test('momentum', () => {
    expect(step(0.5, { nesterov: false, decays: [0.25], rates: [1], scaled: false })).toEqual([
      2 - 0.5 * 5.5,
      3,
      5.5,
    ]);
  });

  test('nesterov', () => {
    expect(step(0.5, { nesterov: true, decays: [0.25], rates: [1], scaled: false })).toEqual([
      2 - 0.5 * (3.5 + 2.75),
      3,
      5.5,
    ]);
  });
});

test('a folded batch norm is conv2d then batch_norm', () => {
  const x = counting(1, 3, 3, 2);
  const [weight, bias] = [counting(2, 2, 2, 2), tensor([2], [3, -4])];
  const norm = [tensor([2], [0.5, -2]), tensor([2], [1, 5]), tensor([2], [7, 9]), tensor([2], [4, 0.25])];
  const attributes = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
  for (const given of [bias, undefined]) {
    const [y] = evaluate('conv2d', [x, weight, given], attributes);
    const [expected] = run('batch_norm', [y, ...norm], { eps: 0.125, training: false });
    const folded = evaluate('fold_batch_norm', [weight, given, ...norm], { eps: 0.125 });
    const [actual] = run('conv2d', [x, ...folded], attributes);
    actual!.data.forEach((value, i) => {
      expect(value).toBeCloseTo(expected!.data[i]!, 8);
    });
  }
});

test('packed bits come back', () => {
  const x = tensor([1, 3, 3, 1], [0, 1, 0, -1, 2, 0, 0, 1, 5]);
  expect([...packBits(x).data]).toEqual([0b10010010, 1]);
  expect([...unpackBits(packBits(x), x.shape).data]).toEqual([0, 1, 0, 0, 1, 0, 0, 1, 1]);
});
