/** What a run shows of itself on a terminal and in a log. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Callback, progress, type StepLogs } from '../../lib/index.ts';

beforeEach(() => {
  vi.stubEnv('CI', undefined);
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** A stream that keeps what is written. */
function open(isTTY: boolean): { callback: Callback; lines: () => string[] } {
  const parts: string[] = [];
  const stream = { isTTY, columns: 200, write: (part: string) => parts.push(part) > 0 };
  const callback = progress({ stream: stream as unknown as NodeJS.WriteStream });
  const clear = '\r\u001b[2K';
  const lines = () => parts.join('').replaceAll(clear, '\n').split('\n');
  return { callback, lines: () => lines().filter((line) => line !== '') };
}

const stepOf = (step: number, fields: Partial<StepLogs> = {}): StepLogs => ({
  ...{ epoch: 0, step, steps: 100, samples: 10, lr: 0.05, loss: 2, top1: 0.5, top5: 1 },
  ...fields,
});

/** Steps of so many milliseconds. */
function train(callback: Callback, count: number, ms: number, fields: Partial<StepLogs> = {}): void {
  for (let step = 0; step < count; step += 1) {
    vi.advanceTimersByTime(ms);
    void callback.onStepEnd!(
      stepOf((fields.step ?? 0) + step, { ...fields, step: (fields.step ?? 0) + step }),
    );
  }
}

const epoch = { epoch: 0, epochs: 3, loss: 1.5, top1: 0.6, top5: 1, lr: 0.05, samplesPerSecond: 20 };

describe('on a terminal', () => {
  test('a bar with means of the epoch, rate, memory and times left', () => {
    const { callback, lines } = open(true);
    void callback.onTrainBegin!({ epochs: 3, resumed: undefined });
    void callback.onEpochBegin!(0);
    train(callback, 24, 500);
    train(callback, 1, 500, { step: 24, loss: 4.5, top1: 0 });
    expect(lines().at(-1)).toMatch(
      /^epoch 1\/3 \[={6} {18}\] 25\/100 {2}loss 2\.1000 {2}top-1 48\.00 % {2}lr 0\.0500 {2}20 images\/s {2}\d+ MB {2}38 s left, 2 min 18 s in all$/,
    );
    void callback.onEpochEnd!({ ...epoch, seconds: 4000, validation: { loss: 1, top1: 0.75, top5: 1 } });
    expect(lines().at(-1)).toBe(
      'epoch 1/3  loss 1.5000  top-1 60.00 %  validation loss 1.0000  top-1 75.00 %  lr 0.0500  20 images/s  1 h 6 min',
    );
    void callback.onEpochBegin!(1);
    train(callback, 1, 1000, { epoch: 1 });
    // The epochs to come take as long as the last one did.
    expect(lines().at(-1)).toMatch(/1 min 39 s left, 1 h 8 min in all$/);
  });

  test('of an epoch that was resumed, its own steps make the rate', () => {
    const { callback, lines } = open(true);
    void callback.onTrainBegin!({ epochs: 1, resumed: undefined });
    void callback.onEpochBegin!(0);
    train(callback, 10, 1000, { step: 80 });
    expect(lines().at(-1)).toMatch(/ 90\/100 .* 10 images\/s .* 10 s left$/);
  });

  test('of data that does not tell its size', () => {
    const { callback, lines } = open(true);
    void callback.onTrainBegin!({ epochs: 1, resumed: undefined });
    void callback.onEpochBegin!(0);
    train(callback, 1, 1000, { steps: undefined });
    expect(lines()[0]).toMatch(/^epoch 1\/1 {2}step 1 {2}loss 2\.0000 .* MB$/);
  });
});

test('elsewhere: a line each minute, and one for each epoch', () => {
  const { callback, lines } = open(false);
  void callback.onTrainBegin!({ epochs: 1, resumed: undefined });
  void callback.onEpochBegin!(0);
  train(callback, 59, 1000);
  expect(lines()).toEqual([]);
  train(callback, 41, 1000, { step: 59 });
  expect(lines().length).toBe(1);
  expect(lines()[0]).toMatch(/^epoch 1\/1 {2}60\/100 {2}loss 2\.0000 .* 40 s left$/);
  void callback.onEpochEnd!({ ...epoch, epochs: 1, seconds: 100, validation: undefined });
  expect(lines().length).toBe(2);
});
