import { describe, expect, test } from 'vitest';
import { FileError } from '../../lib/errors.ts';
import { isBetter } from '../../lib/train/monitor.ts';
import { formatRunState, parseRunState, type RunState } from '../../lib/train/run_state.ts';

describe('the best value', () => {
  test('is the smallest loss or the greatest share, and never NaN', () => {
    expect(isBetter('loss', Number.NaN, undefined)).toBe(false);
    expect(isBetter('validation.top1', Number.NaN, 0.1)).toBe(false);
    expect(isBetter('loss', 1, undefined)).toBe(true);
    expect(isBetter('validation.loss', 0.9, 1)).toBe(true);
    expect(isBetter('validation.loss', 0.9, 1, 0.2)).toBe(false);
    expect(isBetter('top5', 0.9, 1)).toBe(false);
    expect(isBetter('top5', 1, 0.9)).toBe(true);
  });

  test('may be no number, and is kept in the state of a run', () => {
    const metrics = { loss: Number.NaN, top1: 0.1, top5: Infinity };
    const state: RunState = {
      ...{
        seed: 2 ** 53 - 1,
        modelStep: 7,
        batchSize: 8,
        shuffle: true,
        accumulate: 4,
        accumulated: 3,
        epoch: 1,
        step: 2,
      },
      ...{ seconds: 0.1, lr: -Infinity, stopped: false, best: undefined },
      sums: { loss: 1e-300, top1: 1, top5: 2, samples: 3 },
      epochs: [
        { ...metrics, epoch: 0, epochs: 4, validation: metrics, lr: 0.1, seconds: 1, samplesPerSecond: 3 },
      ],
      schedule: null,
      callbacks: { early: { best: null } },
    };
    expect(parseRunState(formatRunState(state), 'a')).toEqual(state);
    const text = (change: object) => formatRunState({ ...state, ...change });
    expect(() => parseRunState('{', 'a')).toThrow(FileError);
    expect(() => parseRunState(text({ step: -1 }), 'a')).toThrow(/^a: state of the run: step: /);
    expect(() => parseRunState(text({ sums: { loss: 'much' } }), 'a')).toThrow(/sums\.loss: /);
    expect(() => parseRunState(text({ version: 2 }), 'a')).toThrow(/version: /);
  });
});
