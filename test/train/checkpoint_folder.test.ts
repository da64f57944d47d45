/** The folder of a run: what is kept in it, and that no failure loses the last good checkpoint. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileError, StateError } from '../../lib/errors.ts';
import type { Callback } from '../../lib/train/callbacks.ts';
import { interceptCalls, systemError } from '../io/file_calls.ts';
import { data, newFolder, open, timeless, validation } from './checkpoint_runs.ts';
import { bitsOf } from './helpers.ts';

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

  test('keeps the averages where these are validated', async () => {
    const directory = newFolder();
    const model = await open({ adamw: true });
    const { epochs } = await model.fit(data, {
      ...{ epochs: 1, batchSize: 8, validation, weights: 'ema' },
      checkpoints: { directory, best: 'validation.top1' },
    });
    const best = await open();
    await best.load(join(directory, 'best.safetensors'));
    expect((await best.evaluate(validation)).loss).toBe(epochs[0]!.validation!.loss);
    expect(await best.stateDict()).toEqual(await model.stateDict({ weights: 'ema' }));
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
