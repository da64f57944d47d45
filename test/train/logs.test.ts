/** What callbacks write of a run: JSON lines and TensorBoard's records, also of one that is resumed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import { ArgumentError, FileError } from '../../lib/errors.ts';
import { crc32c } from '../../lib/io/crc32c.ts';
import type { Callback, StepLogs } from '../../lib/train/callbacks.ts';
import { jsonLines } from '../../lib/train/json_lines.ts';
import { tensorBoard } from '../../lib/train/tensorboard.ts';
import { data, newFolder, open, validation } from './checkpoint_runs.ts';

/** Trains 3 epochs of 5 steps in two sittings, with checkpoints each 2 steps and an end after the 9th. */
async function inTwoSittings(newCallback: () => Callback) {
  const directory = newFolder();
  const steps: StepLogs[] = [];
  const watch: Callback = {
    onStepEnd(logs) {
      steps.push(logs);
      if (steps.length === 9) throw new Error('over');
    },
  };
  const options = () => ({
    ...{ epochs: 3, batchSize: 8, validation, resume: 'auto' },
    checkpoints: { directory, everySteps: 2 },
    callbacks: [newCallback(), watch],
  });
  await expect((await open()).fit(data, options())).rejects.toThrow('over');
  const { epochs } = await (await open()).fit(data, options());
  // The 9th step is done again.
  steps.splice(8, 1);
  return { steps, epochs };
}

describe('jsonLines', () => {
  test('has a line for each step and epoch, none twice', async () => {
    const path = join(newFolder(), 'log', 'run.jsonl');
    const { steps, epochs } = await inTwoSittings(() => jsonLines(path));
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as { event: string; time: number });
    const of = (kind: string) =>
      events.filter(({ event }) => event === kind).map(({ event: _, time: __, ...values }) => values);
    expect(of('step')).toEqual(steps);
    expect(of('epoch')).toEqual(epochs);
    expect(of('begin')).toEqual([
      { epochs: 3 },
      { epochs: 3, resumed: expect.stringContaining('step-00000008') },
    ]);
    expect(of('checkpoint').length).toBeGreaterThan(6);
    for (const { time } of events) expect(Math.abs(Date.now() - time)).toBeLessThan(60_000);
  });

  test('keeps all lines when a run goes on from a checkpoint that knows of no log', async () => {
    const path = join(newFolder(), 'run.jsonl');
    const session = async (
      resumed: { path: string; epoch: number; step: number; damaged: [] } | undefined,
    ) => {
      const callback = jsonLines(path);
      await callback.onTrainBegin!({ epochs: 1, resumed });
      await callback.onTrainEnd!();
    };
    const lines = () => readFileSync(path, 'utf8').trimEnd().split('\n');
    await session(undefined);
    await session({ path: 'a', epoch: 0, step: 0, damaged: [] });
    expect(lines()).toEqual([
      expect.stringMatching(/"epochs":1}$/),
      expect.stringMatching(/"resumed":"a"}$/),
    ]);
    await session(undefined);
    expect(lines()).toHaveLength(1);
  });

  test('goes on where the file is gone, and says where it can not be', async () => {
    const path = join(newFolder(), 'run.jsonl');
    const callback = jsonLines(path);
    callback.loadState!(1000);
    await callback.onTrainBegin!({ epochs: 1, resumed: { path: 'a', epoch: 0, step: 0, damaged: [] } });
    await callback.onTrainEnd!();
    expect(readFileSync(path, 'utf8')).toMatch(/^\{"event":"begin".*\n$/);
    const nowhere = jsonLines(join(path, 'below a file', 'run.jsonl'));
    await expect(nowhere.onTrainBegin!({ epochs: 1, resumed: undefined })).rejects.toThrow(FileError);
    expect(() => jsonLines(3 as never)).toThrow(ArgumentError);
  });
});

/** An independent reader of event files; fails for anything that is not as it should be. */
function readEvents(path: string) {
  const bytes = readFileSync(path);
  const events: { step: number; version?: string; start?: boolean; values: Record<string, number> }[] = [];
  const unmask = (masked: number) => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmask(bytes.readUInt32LE(at + 8))).toBe(crc32c(bytes.subarray(at, at + 8)));
    const record = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(bytes.readUInt32LE(at + 12 + length))).toBe(crc32c(record));
    events.push(readEvent(record));
    at += length + 16;
  }
  return events;
}

function readEvent(record: Uint8Array) {
  const reader = new BinaryReader(record);
  const event: ReturnType<typeof readEvents>[number] = { step: 0, values: {} };
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    if (field === 1) expect(Math.abs(reader.double() * 1000 - Date.now())).toBeLessThan(60_000);
    else if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.version = reader.string();
    else if (field === 5) Object.assign(event.values, readSummary(reader.bytes()));
    else if (field === 7) event.start = Buffer.from(reader.bytes()).equals(Buffer.from([8, 1]));
    else throw new Error(`field ${field}`);
  }
  return event;
}

function readSummary(bytes: Uint8Array): Record<string, number> {
  const values: Record<string, number> = {};
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    expect(reader.tag()[0]).toBe(1);
    const value = new BinaryReader(reader.bytes());
    expect(value.tag()[0]).toBe(1);
    const tag = value.string();
    expect(value.tag()[0]).toBe(2);
    values[tag] = value.float();
    expect(value.pos).toBe(value.len);
  }
  return values;
}

describe('tensorBoard', () => {
  test('writes records that an independent reader finds all scalars in', async () => {
    const directory = join(newFolder(), 'board');
    const { steps, epochs } = await inTwoSittings(() => tensorBoard(directory));
    const files = readdirSync(directory).sort();
    expect(files.length).toBe(2);
    for (const name of files) expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\.[^/]+\.\d+\.\d+$/);
    const [first, second] = files.map((name) => readEvents(join(directory, name)));
    for (const [version, start] of [first!, second!]) {
      expect(version).toEqual({ step: 0, version: 'brain.Event:2', values: {} });
      expect(start).toMatchObject({ start: true, values: {} });
    }
    expect(second![1]!.step).toBe(8);
    // TensorBoard drops from the first file what the second does again.
    const all = [...first!.filter(({ step }) => step < 8), ...second!].filter(({ start }) => !start);
    const losses = all.flatMap(({ step, values }) =>
      'train/loss' in values ? [[step, values['train/loss'], values['train/lr']]] : [],
    );
    expect(losses).toEqual(steps.map(({ loss, lr }, step) => [step, Math.fround(loss), Math.fround(lr)]));
    const means = all.flatMap(({ step, values }) =>
      'epoch/loss' in values ? [[step, values['epoch/loss'], values['validation/top1']]] : [],
    );
    expect(means).toEqual(
      epochs.map(({ loss, validation: held }, i) => [
        5 * (i + 1),
        Math.fround(loss),
        Math.fround(held!.top1),
      ]),
    );
  });

  test('crc32c is the one of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});
