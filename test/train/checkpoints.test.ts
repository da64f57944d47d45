/** A run that was interrupted goes on with the same bits, or says why it can not. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BatchSource } from '../../lib/data/source.ts';
import { ArgumentError, FileError, StateError, WeightsError } from '../../lib/errors.ts';
import type { FitOptions } from '../../lib/model_options.ts';
import type { Callback, History } from '../../lib/train/callbacks.ts';
import { earlyStopping } from '../../lib/train/early_stopping.ts';
import { schedules } from '../../lib/train/schedules.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { data, newFolder, open, place, type Setting, timeless, validation } from './checkpoint_runs.ts';
import { batches, bitsOf } from './helpers.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;

/** What a run gives: each step's loss by place, the history and the weights. */
interface Outcome {
  readonly losses: Map<string, number>;
  readonly history: History;
  readonly bits: string;
}

class Interruption extends Error {}

/** Trains; where `stopAt` steps were done in this sitting, it is thrown out of or, with `abort`, aborted. */
async function run(
  setting: Setting,
  options: Partial<FitOptions>,
  losses: Map<string, number>,
  { stopAt = Infinity, source = data as BatchSource, abort = false } = {},
): Promise<Outcome> {
  const model = await open(setting);
  let steps = 0;
  const controller = new AbortController();
  const watch: Callback = {
    onStepEnd({ epoch, step, loss }) {
      const key = `${epoch}:${step}`;
      // A step that is repeated after an interruption has the same loss again.
      if (losses.has(key)) expect(loss).toBe(losses.get(key));
      losses.set(key, loss);
      steps += 1;
      if (steps !== stopAt) return;
      if (!abort) throw new Interruption();
      controller.abort(new Interruption());
    },
  };
  const callbacks = [watch, ...(options.callbacks ?? [])];
  const { signal } = controller;
  const common = { epochs: 4, batchSize: 8, validation, signal };
  const history = await model.fit(source, { ...common, ...options, callbacks });
  return { losses, history, bits: await bitsOf(model) };
}

/** Runs in sittings of so many steps each, until the run is done. */
async function inSittings(
  setting: Setting,
  options: () => Partial<FitOptions>,
  lengths: readonly number[],
  { source, abort = false }: { source?: () => BatchSource; abort?: boolean } = {},
): Promise<Outcome> {
  const losses = new Map<string, number>();
  const directory = newFolder();
  for (const stopAt of [...lengths, Infinity]) {
    try {
      const checkpoints = { ...options().checkpoints, directory };
      const settings = { ...options(), checkpoints, resume: 'auto' };
      return await run(setting, settings, losses, { stopAt, abort, ...(source && { source: source() }) });
    } catch (error) {
      if (!(error instanceof Interruption)) throw error;
    }
  }
  throw new Error('not reached');
}

async function expectSameAsUnbroken(
  setting: Setting,
  options: () => Partial<FitOptions>,
  lengths: readonly number[],
  more: { source?: () => BatchSource; abort?: boolean } = {},
) {
  const { source } = more;
  const { checkpoints: _, ...plain } = options();
  const whole = await run(setting, plain, new Map(), source && { source: source() });
  const pieces = await inSittings(setting, options, lengths, more);
  expect(pieces.losses).toEqual(whole.losses);
  expect(timeless(pieces.history)).toEqual(timeless(whole.history));
  expect(pieces.bits).toBe(whole.bits);
}

const everySteps = (steps: number) => () => ({ checkpoints: { directory: '', everySteps: steps } }) as const;

describe('a run that is interrupted gives the bits of an unbroken one', () => {
  // An epoch has 5 steps.
  test.each([
    ['in mid-epoch', [3, 4, 5]],
    ['at the ends of epochs', [5, 5]],
    ['at once, and before the first checkpoint', [1, 1, 6]],
    ['in the last epoch', [18, 1]],
  ])('%s', async (_, lengths) => {
    await expectSameAsUnbroken({}, everySteps(2), lengths);
  });

  test('with checkpoints at the ends of epochs only', async () => {
    await expectSameAsUnbroken({}, () => ({}), [7, 6, 9]);
  });

  test('without momentum, and in fixed order', async () => {
    await expectSameAsUnbroken({ momentum: 0 }, () => ({ ...everySteps(3)(), shuffle: false }), [4, 8]);
  });

  test('with a schedule and callbacks that remember', async () => {
    const schedule = schedules.reduceOnPlateau({ lr: 0.2, patience: 0, threshold: 0.3 });
    const options = () => ({
      ...everySteps(2)(),
      epochs: 12,
      callbacks: [earlyStopping({ monitor: 'validation.loss', patience: 2, delta: 0.2 })],
    });
    await expectSameAsUnbroken({ schedule }, options, [6, 9, 8]);
  });

  test.each([
    ['arrays', () => batches(5, 8)],
    [
      'generators',
      () => () =>
        (async function* () {
          yield* batches(5, 8);
        })(),
    ],
  ])('from %s', async (_, source) => {
    await expectSameAsUnbroken({}, everySteps(2), [3, 4, 5], { source });
  });

  test('with AdamW, averages of the weights and a limit of gradients', async () => {
    const options = () => ({ ...everySteps(2)(), weights: 'ema' as const });
    await expectSameAsUnbroken({ adamw: true }, options, [3, 4, 5]);
  });

  test.each([false, true])('where batches wait for others, aborted: %s', async (abort) => {
    // Steps of 2, 2 and 1 of an epoch's 5 batches; an abort saves those that wait.
    const options = () => ({ ...everySteps(1)(), accumulate: 2 });
    await expectSameAsUnbroken({}, options, [1, 2, 3, 4], { abort });
    await expectSameAsUnbroken({ adamw: true }, options, [3, 5], { abort });
  });

  test('with a loss scale, on cuda', async () => {
    await expectSameAsUnbroken({ device: 'cuda', precision: 'float16' }, everySteps(2), [7, 3]);
  });
});

test('the same model may go on, and a run that is done gives its history back', async () => {
  const checkpoints = { directory: newFolder() };
  const whole = await run({}, { epochs: 3 }, new Map());
  const model = await open();
  await model.fit(data, { epochs: 3, batchSize: 8, validation, checkpoints });
  const resumed: unknown[] = [];
  const again = await model.fit(data, {
    epochs: 3,
    batchSize: 8,
    checkpoints,
    resume: 'auto',
    callbacks: [{ onTrainBegin: (begun) => void resumed.push(begun.resumed) }],
  });
  expect(timeless(again)).toEqual(timeless(whole.history));
  expect(resumed).toEqual([
    { path: join(checkpoints.directory, 'step-00000015.safetensors'), epoch: 3, step: 0, damaged: [] },
  ]);
  expect(await bitsOf(model)).toBe(whole.bits);
});

test('an abort saves where the run is', async () => {
  const directory = newFolder();
  const model = await open();
  const controller = new AbortController();
  const stop = {
    onStepEnd: ({ step }: { step: number }) => step === 2 && controller.abort(new Error('enough')),
  };
  const checkpoints = { directory };
  const aborted = model.fit(data, {
    epochs: 2,
    batchSize: 8,
    checkpoints,
    signal: controller.signal,
    callbacks: [stop as Callback],
  });
  await expect(aborted).rejects.toThrow('enough');
  expect(readdirSync(directory)).toEqual([`step-${'3'.padStart(8, '0')}.safetensors`]);
});

describe('what does not fit is said, and changes nothing', () => {
  const wrong = async (setting: Setting, options: Partial<FitOptions>, error: unknown) => {
    const directory = newFolder();
    const first = await open();
    const checkpoints = { directory };
    await first.fit(data, { epochs: 1, batchSize: 8, checkpoints });
    const model = await open(setting);
    const before = await bitsOf(model);
    const resumed = model.fit(data, { epochs: 2, batchSize: 8, checkpoints, resume: 'auto', ...options });
    await expect(resumed).rejects.toThrow(error as never);
    expect(await bitsOf(model)).toBe(before);
    expect(model.step).toBe(0);
  };

  test.each<[string, Setting, Partial<FitOptions>, unknown]>([
    ['seed', { seed: 2 }, {}, /another run: seed 1 there, 2 here/],
    ['batch size', {}, { batchSize: 4 }, /batchSize 8 there, 4 here/],
    ['accumulation', {}, { accumulate: 2 }, /accumulate 1 there, 2 here/],
    ['order', {}, { shuffle: false }, /shuffle true there, false here/],
    ['model', { reduction: 8 }, {}, /another model: .*"reduction":4.* there/],
    ['optimizer', { momentum: 0 }, {}, WeightsError],
    ['file', {}, { resume: join(place, 'nowhere.safetensors') }, FileError],
    ['kind of file', {}, { resume: import.meta.filename }, /expected a checkpoint/],
  ])('another %s', async (_, setting, options, error) => {
    await wrong(setting, options, error);
  });

  test('options', async () => {
    const model = await open();
    const train = (options: object) => model.fit(data, { epochs: 1, ...options } as FitOptions);
    await expect(train({ resume: 'auto' })).rejects.toThrow(ArgumentError);
    await expect(train({ resume: 3 })).rejects.toThrow(/resume: /);
    await expect(train({ checkpoints: {} })).rejects.toThrow(/checkpoints: directory: /);
    await expect(train({ checkpoints: null })).rejects.toThrow(/checkpoints: /);
    await expect(train({ checkpoints: { directory: 'a', keepLast: 0 } })).rejects.toThrow(/keepLast: /);
    await expect(train({ checkpoints: { directory: 'a', best: 'speed' } })).rejects.toThrow(/best: /);
    await expect(train({ checkpoints: { directory: 'a', onError: 1 } })).rejects.toThrow(/onError: /);
    await expect(train({ accumulate: 0 })).rejects.toThrow(/accumulate: /);
    await expect(train({ weights: 'ema' })).rejects.toThrow(StateError);
    await expect(train({ weights: 'best' })).rejects.toThrow(/weights: /);
    await expect(train({ handleSignals: 'yes' })).rejects.toThrow(/handleSignals: /);
    const twice = [earlyStopping(), earlyStopping()];
    await expect(train({ callbacks: twice })).rejects.toThrow(/'earlyStopping' twice/);
    await expect(train({ callbacks: [earlyStopping()] })).rejects.toThrow(/validation data/);
  });
});
