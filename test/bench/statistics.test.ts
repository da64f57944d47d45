/** What the benchmarks make of times, and how they tell that contenders compute the same. */
import { describe, expect, test } from 'vitest';
import { benchModule } from './bench_module.ts';

interface Summary {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}
const { median, quantile, geometricMean, summary, ratiosOf, compare } = (await benchModule(
  'statistics.mjs',
)) as {
  median: (list: number[]) => number;
  quantile: (list: number[], share: number) => number;
  geometricMean: (list: number[]) => number;
  summary: (list: number[]) => Summary;
  ratiosOf: (these: number[], those: number[]) => number[];
  compare: (times: Record<string, number[]>, name: string, against: string) => Record<string, number>;
};

interface Info {
  readonly logits?: number[];
  readonly losses?: number[];
}
const { disagreement, logitsDifference } = (await benchModule('agreement.mjs')) as {
  disagreement: (info: Info, reference: Info, rows: number) => string | undefined;
  logitsDifference: (logits: number[], expected: number[], rows: number) => number;
};

const { parseCpuList } = (await benchModule('machine.mjs')) as { parseCpuList: (text: string) => number[] };

const { kernelSpecs } = (await benchModule('kernel_shapes.mjs')) as {
  kernelSpecs: (
    n: number,
    quick: boolean,
  ) => { name: string; kind: string; direction: string; flops: number }[];
};

interface FakeContender {
  readonly name: string;
  readonly info?: { warmMs: number };
  ask: (request: string) => Promise<{ ms: number }>;
}
const { interleave } = (await benchModule('harness.mjs')) as {
  interleave: (
    contenders: FakeContender[],
    options: { rounds: number; perTurn?: number; drop?: number; pauseMs: number },
  ) => Promise<{ times: Record<string, number[]>; failures: Record<string, string> }>;
};

describe('statistics', () => {
  test('a median lies between the middle two', () => {
    expect(median([3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('quartiles are in proportion between neighbours', () => {
    expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(summary([5, 1, 3])).toEqual({ value: 3, low: 2, high: 4, rounds: 3 });
  });

  test('ratios are those of the rounds that both have', () => {
    expect(ratiosOf([2, 4, 6], [1, 2])).toEqual([2, 2]);
    expect(compare({ a: [1, 8, 3], b: [2, 4, 6] }, 'a', 'b')).toEqual({
      ...{ ratio: 0.5, ratioMin: 0.5, ratioMax: 2 },
      ...{ ms: 3, againstMs: 4 },
    });
    expect(geometricMean([0.5, 2])).toBeCloseTo(1, 12);
  });
});

describe('turns', () => {
  const contender = (name: string, answers: () => number, log: string[], warmMs = 1): FakeContender => ({
    name,
    info: { warmMs },
    ask: async () => {
      log.push(name);
      return { ms: answers() };
    },
  });

  test('the order turns round, and the first iteration of a turn is dropped', async () => {
    const log: string[] = [];
    let ms = 0;
    const count = () => {
      ms += 1;
      return ms;
    };
    const both = ['a', 'b'].map((name) => contender(name, count, log));
    const { times } = await interleave(both, { rounds: 2, pauseMs: 0 });
    expect(log.join('')).toBe('aabbbbaa');
    expect(times).toEqual({ a: [2, 8], b: [4, 6] });
  });

  test('who is slow takes few rounds, and none of them twice', async () => {
    const log: string[] = [];
    const { times } = await interleave([contender('slow', () => 9000, log, 9000)], { rounds: 7, pauseMs: 0 });
    expect(times['slow']).toEqual([9000, 9000, 9000]);
    expect(log).toHaveLength(3);
  });

  test('who fails is left out from there on', async () => {
    const log: string[] = [];
    let left = 3;
    const failing = contender('failing', () => left, log);
    const ask = async () => {
      left -= 1;
      if (left < 0) throw new Error('out of memory');
      return { ms: 1 };
    };
    const both = [{ ...failing, ask }, contender('other', () => 2, log)];
    const { times, failures } = await interleave(both, { rounds: 3, pauseMs: 0 });
    expect(failures).toEqual({ failing: 'out of memory' });
    expect(times['other']).toEqual([2, 2, 2]);
  });
});

describe('agreement', () => {
  test('logits count up to a number that an image adds to all of them', () => {
    expect(logitsDifference([1, 2, 3, 14, 15, 16], [0, 1, 2, 4, 5, 6], 2)).toBeCloseTo(0, 12);
    expect(logitsDifference([1, 2], [1, 2, 3], 1)).toBe(Number.POSITIVE_INFINITY);
    expect(disagreement({ logits: [0, 1.0001] }, { logits: [5, 6] }, 1)).toBeUndefined();
    expect(disagreement({ logits: [0, 1.1] }, { logits: [5, 6] }, 1)).toMatch(/logits differ by 0\.1/);
    expect(disagreement({ logits: [Number.NaN, 1] }, { logits: [5, 6] }, 1)).toMatch(/differ/);
  });

  test('losses may part a little more with each step', () => {
    const reference = { losses: [7, 6, 5] };
    expect(disagreement({ losses: [7.0001, 6.005, 5.05] }, reference, 1)).toBeUndefined();
    expect(disagreement({ losses: [7.01, 6, 5] }, reference, 1)).toMatch(/step 1/);
    expect(disagreement({ losses: [7, 6.9, 5] }, reference, 1)).toMatch(/step 2 is 6.9, 6 is expected/);
    expect(disagreement({ losses: [7, 6, Number.NaN] }, reference, 1)).toMatch(/step 3/);
  });
});

test('lists of cpus', () => {
  expect(parseCpuList('0-2,5\n')).toEqual([0, 1, 2, 5]);
});

describe('kernels', () => {
  test('are each shape of se_resnet50 once, with both gradients', () => {
    const specs = kernelSpecs(16, false);
    const convolutions = specs.filter(({ kind }) => kind === 'conv2d');
    const counts = ['forward', 'input', 'filter'].map(
      (each) => convolutions.filter(({ direction }) => direction === each).length,
    );
    expect(counts).toEqual([20, 19, 20]);
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length);
    // 2 * 64 filters * 7 * 7 * 3 for each of 112 * 112 places.
    expect(convolutions[0]!.flops).toBe(16 * 112 * 112 * 64 * 7 * 7 * 3 * 2);
  });
});
