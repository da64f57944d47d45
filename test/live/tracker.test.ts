import { expect, test } from 'vitest';
import { Tracker } from '../../lib/live/tracker.ts';
import type { EpochLogs, StepLogs } from '../../lib/train/callbacks.ts';
import { duration } from '../../lib/train/progress.ts';

const step = (epoch: number, index: number): StepLogs => ({
  ...{ epoch, step: index, steps: 4, samples: 8, lr: 0.1, loss: 1, top1: 0.5, top5: 1 },
});
const epoch = (index: number, top1: number): EpochLogs => ({
  ...{ epoch: index, epochs: 4, loss: 1, top1: 0.5, top5: 1, lr: 0.1, seconds: 100, samplesPerSecond: 10 },
  validation: { loss: 1, top1, top5: 1 },
});

test('how much of a run is done, and how long the rest takes', () => {
  const tracker = new Tracker();
  tracker.begin(4);
  expect([tracker.share, tracker.secondsLeft, tracker.imagesPerSecond]).toEqual([0, undefined, undefined]);
  tracker.epochBegin();
  tracker.stepEnd(step(0, 0));
  expect(tracker.share).toBe(1 / 16);
  expect(tracker.secondsLeft).toBeGreaterThan(0);
  expect(tracker.imagesPerSecond).toBeGreaterThan(0);
  tracker.epochEnd(epoch(0, 0.75));
  expect([tracker.share, tracker.secondsLeft]).toEqual([0.25, 300]);
  tracker.epochBegin();
  tracker.stepEnd(step(1, 1));
  expect([tracker.share, tracker.secondsLeft]).toEqual([0.375, 250]);
  tracker.epochEnd(epoch(1, Number.NaN));
  expect(tracker.best).toEqual({ epoch: 0, top1: 0.75 });
  // Data that does not tell its size.
  tracker.epochBegin();
  tracker.stepEnd({ ...step(2, 0), steps: undefined });
  expect([tracker.share, tracker.secondsLeft]).toEqual([0.5, 200]);
});

test('durations as people say them', () => {
  expect([0.4, 59, 61, 3599, 3600, 90_061].map(duration)).toEqual([
    ...['0 s', '59 s', '1 min 1 s', '59 min 59 s', '1 h 0 min', '25 h 1 min'],
  ]);
});
