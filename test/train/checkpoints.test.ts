/** Checkpoints: a run that was interrupted goes on with the same bits, and no failure loses the last good one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { ImageDataset } from '../../lib/data/dataset.ts';
import type { BatchSource } from '../../lib/data/source.ts';
import { ArgumentError, FileError, StateError, WeightsError } from '../../lib/errors.ts';
import {
  basicBlock,
  conv2d,
  defineModel,
  dropout,
  globalAvgPool,
  linear,
  normTail,
} from '../../lib/layers/index.ts';
import { Model } from '../../lib/model.ts';
import type { FitOptions } from '../../lib/model_options.ts';
import type { Callback, History } from '../../lib/train/callbacks.ts';
import { earlyStopping } from '../../lib/train/early_stopping.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { type Schedule, schedules } from '../../lib/train/schedules.ts';
import { cudaSimLibrary } from '../helpers/cuda_sim.ts';
import { interceptCalls, systemError } from '../io/file_calls.ts';
import { batches, batchOf, bitsOf, CLASSES, SIZE } from './helpers.ts';

process.env['SENET_CUDA_LIBRARY'] = cudaSimLibrary;

const place = mkdtempSync(join(tmpdir(), 'senet-checkpoints-'));
const opened: Model[] = [];
const newFolder = (): string => join(mkdtempSync(join(place, 'run-')), 'checkpoints');
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

const network = (reduction: number) =>
  defineModel({ input: [SIZE, SIZE, 3], name: 'tiny', config: { reduction } }, (images) => {
    const stem = normTail(conv2d(images, { filters: 8, kernel: 3, bias: false, name: 'conv1' }), {
      name: 'bn1',
    });
    const block = basicBlock(stem, { filters: 16, stride: 2, se: { reduction }, name: 'block' });
    return linear(dropout(globalAvgPool(block), { rate: 0.3 }), { units: CLASSES, name: 'fc' });
  });

/** 40 images, mirrored and shifted at random. */
const data = (() => {
  const { images, labels } = batchOf(40);
  const dataset = new ImageDataset({
    images,
    labels: Int32Array.from(labels),
    shape: [SIZE, SIZE, 3],
    classes: CLASSES,
  });
  return {
    size: dataset.size,
    batches: (options: Parameters<ImageDataset['batches']>[0]) =>
      dataset.batches({ ...options, augment: { flip: true, crop: 2 } }),
  };
})();
const validation = [batchOf(16, 7)];

interface Setting {
  readonly seed?: number;
  readonly device?: 'cpu' | 'cuda';
  readonly precision?: 'float16';
  readonly momentum?: number;
  readonly reduction?: number;
  readonly schedule?: Schedule;
}

async function open(setting: Setting = {}): Promise<Model> {
  const { seed = 1, device = 'cpu', precision, momentum = 0.9, reduction = 4 } = setting;
  const model = new Model(network(reduction), { seed });
  opened.push(model);
  await model.compile({
    device,
    ...(precision && { precision }),
    ...(device === 'cpu' && { threads: 1 }),
    optimizer: sgd({ momentum, nesterov: momentum > 0 }),
    schedule: setting.schedule ?? schedules.cosine({ lr: 0.1, warmupEpochs: 1 }),
  });
  return model;
}

/** What a run gives: each step's loss by place, the history and the weights. */
interface Outcome {
  readonly losses: Map<string, number>;
  readonly history: History;
  readonly bits: string;
}

class Interruption extends Error {}

/** Trains; where `stopAt` steps were done in this sitting, it is thrown out of. */
async function run(
  setting: Setting,
  options: Partial<FitOptions>,
  losses: Map<string, number>,
  { stopAt = Infinity, source = data as BatchSource } = {},
): Promise<Outcome> {
  const model = await open(setting);
  let steps = 0;
  const watch: Callback = {
    onStepEnd({ epoch, step, loss }) {
      const key = `${epoch}:${step}`;
      // A step that is repeated after an interruption has the same loss again.
      if (losses.has(key)) expect(loss).toBe(losses.get(key));
      losses.set(key, loss);
      steps += 1;
      if (steps === stopAt) throw new Interruption();
    },
  };
  const callbacks = [watch, ...(options.callbacks ?? [])];
  const history = await model.fit(source, { epochs: 4, batchSize: 8, validation, ...options, callbacks });
  return { losses, history, bits: await bitsOf(model) };
}

const timeless = ({ epochs }: History) => epochs.map(({ seconds: _, samplesPerSecond: __, ...logs }) => logs);

/** Runs in sittings of so many steps each, until the run is done. */
async function inSittings(
  setting: Setting,
  options: () => Partial<FitOptions>,
  lengths: readonly number[],
  source?: () => BatchSource,
): Promise<Outcome> {
  const losses = new Map<string, number>();
  const directory = newFolder();
  for (const stopAt of [...lengths, Infinity]) {
    try {
      const checkpoints = { ...options().checkpoints, directory };
      const settings = { ...options(), checkpoints, resume: 'auto' };
      return await run(setting, settings, losses, { stopAt, ...(source && { source: source() }) });
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
  source?: () => BatchSource,
) {
  const { checkpoints: _, ...plain } = options();
  const whole = await run(setting, plain, new Map(), source && { source: source() });
  const pieces = await inSittings(setting, options, lengths, source);
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
    await expectSameAsUnbroken({}, everySteps(2), [3, 4, 5], source);
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

describe('the folder', () => {
  test('keeps the last ones and the best weights', async () => {
    const directory = newFolder();
    const paths: string[] = [];
    const model = await open();
    const values: number[] = [];
    await model.fit(data, {
      epochs: 12,
      batchSize: 8,
      validation,
      checkpoints: { directory, everySteps: 1, keepLast: 3, best: 'validation.loss' },
      callbacks: [
        {
          onCheckpoint({ path }) {
            paths.push(path);
            const names = readdirSync(directory).filter((name) => name.startsWith('step'));
            expect(names.length).toBe(Math.min(new Set(paths).size, 3));
          },
          onEpochEnd: ({ validation: found }) => void values.push(found!.loss),
        },
      ],
    });
    expect(new Set(paths).size).toBe(60);
    expect(readdirSync(directory).sort()).toEqual([
      'best.safetensors',
      ...[58, 59, 60].map((step) => `step-000000${step}.safetensors`),
    ]);
    const best = await open();
    await best.load(join(directory, 'best.safetensors'));
    expect((await best.evaluate(validation)).loss).toBe(Math.min(...values));
    // A checkpoint is a weight file, too.
    const last = await open();
    await last.load(paths.at(-1)!);
    expect(await bitsOf(last)).toBe(await bitsOf(model));
  });

  test('is not mixed with another run, and cleared of what dead writers left', async () => {
    const directory = newFolder();
    const model = await open();
    const options = { epochs: 1, batchSize: 8, checkpoints: { directory } };
    await model.fit(data, options);
    await expect(model.fit(data, options)).rejects.toThrow(StateError);
    // No process has the number 2^22 or more.
    const left = `step-00000009.safetensors.tmp-4194304-0123`;
    const kept = [`step-00000009.safetensors.tmp-${process.ppid}-0123`, 'notes.tmp-4194304-0123'];
    for (const name of [left, ...kept]) writeFileSync(join(directory, name), '');
    await model.fit(data, { ...options, resume: 'auto' });
    expect(readdirSync(directory).sort()).toEqual([...kept, 'step-00000005.safetensors'].sort());
  });

  test('falls back to an older checkpoint and names the damaged ones', async () => {
    const directory = newFolder();
    const first = await open();
    const options = { epochs: 2, batchSize: 8, checkpoints: { directory } };
    const whole = await first.fit(data, options);
    const [older, newest] = ['step-00000005.safetensors', 'step-00000010.safetensors'].map((name) =>
      join(directory, name),
    ) as [string, string];
    const bytes = readFileSync(newest);
    bytes[bytes.length - 9]! ^= 1;
    writeFileSync(newest, bytes);
    const model = await open();
    const resumed: unknown[] = [];
    const { epochs } = await model.fit(data, {
      ...options,
      resume: 'auto',
      callbacks: [{ onTrainBegin: (begun) => void resumed.push(begun.resumed) }],
    });
    expect(resumed).toMatchObject([
      {
        path: older,
        epoch: 1,
        step: 0,
        damaged: [{ path: newest, reason: expect.stringMatching(/damaged/) }],
      },
    ]);
    expect(timeless({ epochs })).toEqual(timeless(whole));
    expect(readdirSync(directory).sort()).toEqual([
      'step-00000005.safetensors',
      'step-00000010.safetensors',
      'step-00000010.safetensors.damaged',
    ]);
    for (const path of [older, newest]) writeFileSync(path, 'nothing');
    await expect(model.fit(data, { ...options, resume: 'auto' })).rejects.toThrow(/only damaged ones/);
  });
});

describe('a disk that takes no more', () => {
  const failing = async (body: () => Promise<void>, code: string) => {
    const restore = await interceptCalls('write', () => {
      throw systemError(code);
    });
    try {
      await body();
    } finally {
      restore();
    }
  };

  test('ends the run with a FileError, and the last checkpoint stays good', async () => {
    const directory = newFolder();
    const model = await open();
    const options = { epochs: 2, batchSize: 8, checkpoints: { directory } };
    await model.fit(data, { ...options, epochs: 1 });
    await failing(async () => {
      await expect(model.fit(data, { ...options, resume: 'auto' })).rejects.toThrow(/ENOSPC/);
    }, 'ENOSPC');
    expect(readdirSync(directory)).toEqual(['step-00000005.safetensors']);
    const again = await open();
    await again.fit(data, { ...options, resume: 'auto' });
    const unbroken = await open();
    await unbroken.fit(data, { epochs: 2, batchSize: 8 });
    expect(await bitsOf(again)).toBe(await bitsOf(unbroken));
  });

  test('does not end a run that wants to go on', async () => {
    const directory = newFolder();
    const model = await open();
    const errors: unknown[] = [];
    const checkpoints = { directory, onError: (error: unknown) => errors.push(error) };
    let restore: (() => void) | undefined;
    const callbacks: Callback[] = [
      {
        onEpochBegin: async (epoch) => {
          if (epoch === 1) {
            restore = await interceptCalls('sync', () => {
              throw systemError('EIO');
            });
          } else restore?.();
        },
      },
    ];
    await model.fit(data, { epochs: 3, batchSize: 8, checkpoints, callbacks });
    expect(errors).toEqual([expect.any(FileError)]);
    expect(readdirSync(directory).sort()).toEqual(['step-00000005.safetensors', 'step-00000015.safetensors']);
  });
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
    await expect(train({ handleSignals: 'yes' })).rejects.toThrow(/handleSignals: /);
    const twice = [earlyStopping(), earlyStopping()];
    await expect(train({ callbacks: twice })).rejects.toThrow(/'earlyStopping' twice/);
    await expect(train({ callbacks: [earlyStopping()] })).rejects.toThrow(/validation data/);
  });
});
