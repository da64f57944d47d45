/** What a live page shows of a run, while it goes on and in the file that it leaves. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { defineModel, flatten, linear } from '../../lib/layers/index.ts';
import { lastOfStages } from '../../lib/live/excitations.ts';
import { livePage } from '../../lib/live/live_page.ts';
import { Model } from '../../lib/model.ts';
import type { EpochLogs, StepLogs } from '../../lib/train/callbacks.ts';
import { sgd } from '../../lib/train/optimizer.ts';
import { data, open as openModel } from '../train/checkpoint_runs.ts';
import { batches, batchOf, CLASSES, definition, SIZE, tiny } from '../train/helpers.ts';
import { follow, get, open } from './get.ts';

const place = mkdtempSync(join(tmpdir(), 'senet-live-'));
const opened: Model[] = [];
const newModel = async (): Promise<Model> => {
  const model = await tiny({ lr: 0.001 });
  opened.push(model);
  return model;
};
afterEach(() => {
  for (const model of opened.splice(0)) model.dispose();
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

const hostile = ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', "'&amp;", '</svg>'];

/** A run as its folder has it. */
function leaveRun(
  directory: string,
  steps: readonly Partial<StepLogs>[],
  epochs: readonly Partial<EpochLogs>[],
) {
  mkdirSync(directory, { recursive: true });
  const config = { model: 'se_resnet20', data: { kind: 'mnist' }, epochs: 4 };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
  const line = (event: string) => (logs: object) => `${JSON.stringify({ event, time: 1, ...logs })}\n`;
  writeFileSync(
    join(directory, 'log.jsonl'),
    [...steps.map(line('step')), ...epochs.map(line('epoch'))].join(''),
  );
}

const epochLogs = (epoch: number): EpochLogs => ({
  ...{ epoch, epochs: 4, loss: 1, top1: 0.5, top5: 1, lr: 0.1, seconds: 1, samplesPerSecond: 10 },
  validation: { loss: 2, top1: 0.25, top5: 1 },
});

describe('livePage', () => {
  test('follows a run to its end and leaves one file', async () => {
    const model = await newModel();
    const directory = join(place, 'runs', '<b>first');
    leaveRun(join(place, 'runs', 'earlier'), [], [epochLogs(0), epochLogs(1)]);
    mkdirSync(join(place, 'runs', 'no run'));
    const validation = data.augmented({});
    const page = await livePage(
      { model, classes: hostile, validation, config: { a: hostile } },
      { directory },
    );
    const following = await follow(page.url);
    const slow = { onStepEnd: () => new Promise<void>((resolve) => setTimeout(resolve, 150)) };
    await model.fit(batches(5), { epochs: 2, batchSize: 16, validation, callbacks: [slow, page] });

    const { parts, end } = await following();
    expect(end).toBe('event: end\ndata:');
    const of = (id: string) => parts.get(id)!;
    expect(of('head')[0]).toContain('Waiting for the run to begin.');
    expect(of('head').length).toBeGreaterThan(2);
    expect(of('head').at(-1)).toContain('Ended after 2 of 2 epochs.');
    expect(of('steps').at(-1)!.match(/<svg /g)?.length).toBe(3);
    expect(
      of('epochs')
        .at(-1)!
        .match(/>earlier</g)?.length,
    ).toBe(2);
    expect(of('confusion').at(-1)).toContain('40 validation images');
    expect(of('mistakes').at(-1)).toMatch(/<img alt="" src="data:image\/png;base64,\w/);
    expect(of('gates').at(-1)!.match(/<svg /g)?.length).toBe(1);
    expect(of('setup').length).toBe(1);

    const report = readFileSync(join(directory, 'report.html'), 'utf8');
    for (const [id, html] of parts) expect(report).toContain(`<section id="${id}">${html.at(-1)}</section>`);
    expect(report).toContain('&lt;b&gt;first');
    expect(report).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(report).not.toMatch(/<script|<[^>]* on\w+=|<b>first|<img src=x|NaN|undefined/);
    expect(report).not.toMatch(/(?:href|src)="(?!data:)|https?:(?!\/\/www\.w3\.org\/2000\/svg")/);
    await expect(get(page.url)).rejects.toThrow('ECONNREFUSED');
  });

  test('goes on with what the log says of the time before a checkpoint', async () => {
    const model = await openModel();
    const directory = join(place, 'resumed');
    const begin = { epochs: 2, batchSize: 8, validation: [batchOf(16)] };
    const checkpoints = { directory: join(directory, 'checkpoints'), everySteps: 2 };
    const steps: StepLogs[] = [];
    const stop = new Error('stop');
    const watch = {
      onStepEnd(logs: StepLogs) {
        steps.push(logs);
        if (steps.length === 8) throw stop;
      },
    };
    await expect(model.fit(data, { ...begin, checkpoints, callbacks: [watch] })).rejects.toBe(stop);
    // Of 5 steps an epoch 8 were done, and the 6th was the last to be saved.
    leaveRun(directory, steps, [epochLogs(0)]);
    const again = await openModel();
    const page = await livePage({ model: again }, { directory });
    const following = await follow(page.url);
    await again.fit(data, { ...begin, checkpoints, resume: 'auto', callbacks: [page] });
    const { parts } = await following();
    const [loss] = parts
      .get('steps')!
      .at(-1)!
      .match(/d="M[\d.]+ [\d.]+L[^"]*"/)!;
    expect(loss.split('L').length).toBe(10);
    expect(parts.get('head')!.at(-1)).toContain('Ended after 2 of 2 epochs.');

    // Where nothing is left to train, the page stays as it is.
    const report = readFileSync(join(directory, 'report.html'), 'utf8');
    const idle = await livePage({ model: again }, { directory });
    await again.fit(data, { ...begin, checkpoints, resume: 'auto', callbacks: [idle] });
    expect(readFileSync(join(directory, 'report.html'), 'utf8')).toBe(report);
  });

  test('shows the gates of the weights that are validated', async () => {
    const validation = [batchOf(16)];
    for (const weights of ['ema', 'trained'] as const) {
      const model = new Model(definition);
      opened.push(model);
      await model.compile({ device: 'cpu', threads: 1, optimizer: sgd(), ema: { decay: 0.9 } });
      const capture = vi.spyOn(model, 'captureExcitations');
      const page = await livePage({ model, validation, fit: { weights } });
      const following = await follow(page.url);
      await model.fit(batches(2), { epochs: 1, weights, validation, callbacks: [page] });
      expect((await following()).parts.get('gates')!.at(-1)).toContain('<svg ');
      expect(capture.mock.calls.map(([, options]) => options?.weights)).toEqual([weights]);
    }
  });

  test('shows no gates of a model without any, and any images as they are', async () => {
    const plain = defineModel({ input: [SIZE, SIZE, 3], name: '<plain>' }, (images) =>
      linear(flatten(images), { units: CLASSES }),
    );
    const model = new Model(plain);
    opened.push(model);
    await model.compile({ device: 'cpu', threads: 1, optimizer: sgd() });
    const directory = join(place, 'plain');
    const validation = [batchOf(16)];
    const page = await livePage({ model, validation }, { directory });
    await model.fit(batches(1), { epochs: 1, validation, callbacks: [page] });
    const report = readFileSync(join(directory, 'report.html'), 'utf8');
    expect(report).toContain('<section id="gates"></section>');
    expect(report).toContain('is class ');
    expect(report).toContain('&lt;plain&gt;');
  });

  test('ends no run by what goes wrong with it', async () => {
    const model = await newModel();
    const directory = join(place, 'a file');
    writeFileSync(directory, '');
    const validation = data.augmented({});
    const page = await livePage({ model, validation }, { directory });
    const following = await follow(page.url);
    vi.spyOn(validation, 'picture').mockImplementation(() => {
      throw new Error('no <picture>');
    });
    const capture = vi.spyOn(model, 'captureExcitations').mockRejectedValue(new Error('no gates'));
    // A page that takes nothing of what it is sent.
    const deaf = open(page.url, { path: '/events' });
    await deaf.answer;
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    await model.fit(batches(1), { epochs: 1, validation, callbacks: [page] });
    deaf.close();
    expect(capture).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]![0]).toMatch(/^livePage: .*a file/);
    warn.mockRestore();
    const { parts } = await following();
    expect(parts.get('mistakes')!.at(-1)).toContain('‘mistakes’ cannot be shown: no &lt;picture&gt;');
    expect(parts.get('gates')!.at(-1)).toContain('‘gates’ cannot be shown: no gates');
  });

  test('lists pairs where there are too many classes for a matrix', async () => {
    const many = defineModel({ input: [SIZE, SIZE, 3], name: 'many' }, (images) =>
      linear(flatten(images), { units: 100 }),
    );
    const model = new Model(many);
    opened.push(model);
    await model.compile({ device: 'cpu', threads: 1, optimizer: sgd() });
    const page = await livePage({ model });
    const following = await follow(page.url);
    await model.fit(batches(1), { epochs: 1, validation: [batchOf(64)], callbacks: [page] });
    const { parts } = await following();
    const list = parts.get('confusion')!.at(-1)!;
    expect(list).toContain('Confused most often');
    expect(list.match(/<tr><td>\d+<\/td><td>class \d/g)!.length).toBeLessThanOrEqual(20);
  });
});

test('lastOfStages takes the last block of each stage, or some of one', () => {
  const names = (text: string) => text.split(' ');
  expect(lastOfStages(names('layer1.0.se layer1.1.se layer2.0.se'))).toEqual(['layer1.1.se', 'layer2.0.se']);
  expect(lastOfStages(names('f.1.se f.2.se f.3.se f.4.se f.5.se f.6.se f.7.se f.8.se'))).toEqual(
    names('f.2.se f.4.se f.6.se f.8.se'),
  );
  expect(lastOfStages(['block.se'])).toEqual(['block.se']);
  const stages = Array.from({ length: 20 }, (_, i) => `s${i}.0.se`);
  expect(lastOfStages(stages).length).toBe(8);
  expect(lastOfStages(stages).at(-1)).toBe('s19.0.se');
});
