/** `senet train`, `eval` and `runs`, as a user runs them. */
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  ArgumentRangeError,
  checkRunConfig,
  createModel,
  type EpochLogs,
  FileError,
  type Guess,
  imageFolder,
  importOnnx,
  loadRun,
  prepareRun,
  preprocessings,
  readRun,
  recipes,
  topK,
} from '../../lib/index.ts';
import { follow } from '../live/get.ts';
import { runScript, type ScriptResult, STACK_TRACE } from '../scripts/run_script.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-train-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function senet(...args: string[]): Promise<ScriptResult> {
  const result = await runScript('bin/senet.mjs', args);
  expect(result.stdout + result.stderr).not.toMatch(STACK_TRACE);
  return result;
}

const config = {
  model: 'se_resnet14',
  modelOptions: { input: [32, 32, 3] },
  data: { kind: 'folder', directory: path('photos'), validation: 0.25 },
  epochs: 2,
  batchSize: 4,
  optimizer: { kind: 'sgd', momentum: 0.9 },
  schedule: { kind: 'cosine', lr: 0.05 },
  augment: { flip: true },
  seed: 3,
  compile: { device: 'cpu', threads: 1 },
};

beforeAll(async () => {
  // Reddish and bluish pictures.
  for (const [name, background] of [
    ['red', { r: 200, g: 40, b: 40 }],
    ['blue', { r: 40, g: 40, b: 200 }],
  ] as const) {
    mkdirSync(path(`photos/${name}`), { recursive: true });
    for (let i = 0; i < 8; i += 1) {
      const colour = { ...background, g: 10 * i };
      const picture = sharp({ create: { width: 40, height: 36, channels: 3, background: colour } });
      writeFileSync(path(`photos/${name}/${i}.png`), await picture.png().toBuffer());
    }
  }
  writeFileSync(path('run.json'), JSON.stringify(config));
  writeFileSync(path('run.mjs'), `export default ${JSON.stringify({ ...config, epochs: 1 })};`);
});

describe('train', () => {
  test('leaves a folder with all of the run, which eval and runs read', async () => {
    const out = path('runs/first');
    const { code, stdout, stderr } = await senet('train', path('run.json'), '--out', out, '--epochs', '3');
    expect([code, stderr.split('\n').length]).toEqual([0, 4]);
    expect(stdout).toMatch(/first: 3 epochs, loss [\d.]+, top-1 [\d.]+ %, validation top-1 [\d.]+ %\n$/);
    const files = readdirSync(out).map((name) => name.replace(/tfevents.*/, 'tfevents'));
    expect(files.sort()).toEqual([
      ...['checkpoints', 'classes.txt', 'config.json', 'events.out.tfevents', 'log.jsonl'],
      'model.safetensors',
    ]);
    expect(readdirSync(join(out, 'checkpoints')).sort()[0]).toBe('best.safetensors');
    const { epochs, steps } = await readRun(out);
    expect([epochs.length, steps.length]).toEqual([3, 9]);

    const best = await senet('eval', out, '--json');
    const top1 = Math.max(...epochs.map(({ validation }) => validation!.top1));
    expect(JSON.parse(best.stdout)).toMatchObject({ samples: 4, top1 });
    const last = await senet('eval', out, '--checkpoint', 'last');
    expect(last.stdout).toMatch(/^4 images: loss [\d.]+, top-1 [\d.]+ %, top-5 100\.00 %\n$/);

    const photo = path('photos/red/0.png');
    const guess = await senet(
      ...['predict', photo, '--model', 'se_resnet14', '--classes', '2', '--input', '32x32x3'],
      ...['--weights', join(out, 'model.safetensors'), '--names', join(out, 'classes.txt')],
    );
    expect(guess.stdout).toMatch(/ % {2}(red|blue) \(/);
    expect(await senet('predict', photo, '--run', out, '--checkpoint', 'last')).toEqual(guess);

    const listed = await senet('runs', path('runs'));
    expect(listed.stdout).toMatch(
      /^run +model +data +epochs +steps +loss .*\nfirst +se_resnet14 .* 3\/3 +9 /,
    );
    expect((await senet('train', path('run.json'), '--out', out)).code).toBe(2);
  });

  test('its network is one call away, with the averages that were validated', async () => {
    const out = path('runs/averaged');
    const ema = {
      ...config,
      ema: { decay: 0.5 },
      modelOptions: { input: [32, 32, 3], se: { reduction: 4 } },
    };
    writeFileSync(path('ema.json'), JSON.stringify(ema));
    const { code, stderr } = await senet('train', path('ema.json'), '--out', out);
    expect(code, stderr).toBe(0);
    const { epochs } = await readRun(out);
    const last = await senet('eval', out, '--checkpoint', 'last', '--json');
    expect(JSON.parse(last.stdout).loss).toBeCloseTo(epochs.at(-1)!.validation!.loss, 5);

    const photo = path('photos/red/0.png');
    const { model, classes } = await loadRun(out);
    try {
      expect(classes).toEqual(['blue', 'red']);
      const [first] = topK(await model.predict(photo), 1, classes);
      const { stdout } = await senet('predict', photo, '--run', out, '--top', '1', '--json');
      const [found] = (JSON.parse(stdout) as [{ top: [Guess] }])[0].top;
      expect(found.name).toBe(first!.name);
      expect(found.probability).toBeCloseTo(first!.probability, 5);

      expect((await senet('convert', out, path('run.onnx'))).stdout).toMatch(/run\.onnx: \d+ tensors of /);
      using same = await importOnnx(path('run.onnx'));
      same.preprocessing = model.preprocessing;
      expect((await same.predict(photo))[0]).toBeCloseTo((await model.predict(photo))[0]!, 5);
    } finally {
      model.dispose();
    }
  });

  test('broken images end a run or are skipped and listed, as it is told', async () => {
    const photos = path('damaged');
    cpSync(path('photos'), photos, { recursive: true });
    for (const name of ['red/3.png', 'blue/0.png']) writeFileSync(join(photos, name), 'no picture');
    const args = ['train', '--model', 'se_resnet14', '--data', photos, '--epochs', '1', '--device', 'cpu'];
    const stopped = await senet(...args, '--out', path('runs/stopped'));
    expect([stopped.code, stopped.stderr]).toEqual([1, expect.stringMatching(/\.png: expected a JPEG/)]);
    const { code, stdout } = await senet(...args, '--out', path('runs/skipping'), '--broken', 'skip');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^skipped .*png: expected .*\nskipped .*png: .*\nskipped 2 images\n.*: 1 epochs/);
    const { train, validation } = await imageFolder(photos, {
      preprocessing: preprocessings.cifar10,
      broken: 'skip',
    });
    const evaluated = await senet('eval', path('runs/skipping'), '--json');
    for await (const { size } of validation!.batches({ batchSize: 2 })) expect(size).toBe(2);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ samples: 2, broken: validation!.broken });
    const damaged = [...train.files, ...validation!.files].filter((file) => /red.3|blue.0/.test(file));
    for (const file of damaged) expect(stdout).toContain(file);
  });

  test('the network of a data set needs no data', async () => {
    const run = path('runs/by-hand');
    mkdirSync(run);
    writeFileSync(
      join(run, 'config.json'),
      JSON.stringify({ model: 'se_resnet14', data: { kind: 'mnist' } }),
    );
    writeFileSync(join(run, 'classes.txt'), '0\n1\n2\n');
    using trained = createModel('se_resnet14', { input: [28, 28, 1], classes: 3, seed: 6 });
    await trained.save(join(run, 'model.safetensors'));
    const { model, classes } = await loadRun(run, { checkpoint: 'last' });
    using loaded = model;
    expect([loaded.input, classes]).toEqual([
      [28, 28, 1],
      ['0', '1', '2'],
    ]);
    expect(await loaded.stateDict()).toEqual(await trained.stateDict());
    await expect(loadRun(run)).rejects.toThrow(FileError);
    await expect(loadRun(run, { checkpoint: 'first' as 'last' })).rejects.toThrow(ArgumentRangeError);
  });

  test('takes modules, and goes on with a run as if nothing had happened', async () => {
    const [out, broken] = [path('runs/whole'), path('runs/broken')];
    const whole = await senet('train', path('run.mjs'), '--out', out, '--epochs', '2', '--json');
    expect(whole.code, whole.stderr).toBe(0);
    // The same run, of which the last checkpoints and weights are lost.
    expect((await senet('train', path('run.json'), '--out', broken)).code).toBe(0);
    rmSync(join(broken, 'model.safetensors'));
    rmSync(join(broken, 'checkpoints', 'step-00000006.safetensors'));
    const resumed = await senet('train', '--resume', broken, '--json');
    expect(resumed.code, resumed.stderr).toBe(0);
    const losses = ({ stdout }: ScriptResult) =>
      (JSON.parse(stdout) as { epochs: EpochLogs[] }).epochs.map(({ loss, validation }) => [
        loss,
        validation,
      ]);
    expect(losses(resumed)).toEqual(losses(whole));
    expect(readFileSync(join(broken, 'model.safetensors'))).toEqual(
      readFileSync(join(out, 'model.safetensors')),
    );
  });

  test('serves a page while it trains, which lasts as a file', async () => {
    const out = path('runs/shown');
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    const args = ['train', path('run.mjs'), '--out', out, '--ui', '--ui-port', String(port)];
    const refused = await senet(...args);
    expect(refused.stderr).toBe(
      `senet train: ERR_SENET_STATE: livePage: port ${port} of 127.0.0.1 is in use; choose another, or 0 for any that is free\n`,
    );
    expect([refused.code, existsSync(out)]).toEqual([1, false]);

    free.close();
    await once(free, 'close');
    const running = senet(...args);
    const url = `http://127.0.0.1:${port}/`;
    const following = await vi.waitFor(() => follow(url), { timeout: 30_000, interval: 20 });
    const { parts, end } = await following();
    expect(end).toBe('event: end\ndata:');
    const { code, stderr } = await running;
    expect(stderr).toMatch(new RegExp(`^The run is shown at ${url}\n`));
    expect(code).toBe(0);
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report).toContain(parts.get('head')!.at(-1));
    expect(report).toContain('>red<');
  });

  test('from weights of other classes, by options alone', async () => {
    const model = await prepareRun(config);
    await model.model.save(path('start.safetensors'));
    model.model.dispose();
    rmSync(path('photos/green'), { recursive: true, force: true });
    const args = ['--model', 'se_resnet14', '--data', path('photos'), '--weights', path('start.safetensors')];
    const { code, stderr } = await senet(
      ...['train', '--out', path('runs/tuned'), ...args, '--epochs', '1', '--lr', '0.01'],
      ...['--device', 'cpu', '--threads', '1', '--seed', '2', '--batch-size', '8'],
    );
    expect(code, stderr).toBe(0);
    expect((await readRun(path('runs/tuned'))).config).toEqual({
      model: 'se_resnet14',
      data: { kind: 'folder', directory: path('photos') },
      weights: path('start.safetensors'),
      epochs: 1,
      batchSize: 8,
      schedule: { kind: 'constant', lr: 0.01 },
      seed: 2,
      compile: { device: 'cpu', threads: 1 },
    });
    const evaluated = await senet('eval', ...args, '--device', 'cpu');
    expect(evaluated.stdout).toMatch(/^2 images: /);
  });

  test.each([
    [['train'], 2, /expected --out RUN/],
    [['train', '--out', path('x')], 2, /expected a CONFIG with 'model', or --model/],
    [['train', '--out', path('x'), '--model', 'se_resnet14'], 2, /'data', or --data/],
    [['train', path('run.json'), '--out', path('x'), '--lr', 'much'], 2, /--lr: expected a learning rate/],
    [['train', path('run.json'), '--resume', path('runs/first')], 2, /--resume: expected nothing else/],
    [['train', path('run.json'), '--out', path('x'), '--ui-port', '0'], 2, /--ui-port: expected --ui/],
    [['train', path('run.json'), '--out', path('x'), '--ui', '--ui-port', '65536'], 2, /from 0 to 65535/],
    [['train', '--resume', path('nowhere')], 1, /ERR_SENET_FILE: .*config\.json/],
    [['train', path('none.json'), '--out', path('x')], 1, /ERR_SENET_FILE: .*none\.json: cannot read/],
    [['train', path('none.mjs'), '--out', path('x')], 1, /cannot import/],
    [
      ['train', path('run.json'), '--out', path('x'), '--recipe', 'cake'],
      1,
      /recipe: expected .*cifar-resnet/,
    ],
    [['train', path('run.json'), '--out', path('x'), '--model', 'se_resnet15'], 1, /such as se_resnet14/],
    [
      ['train', '--model', 'se_resnet14', '--data', 'cifar10', '--out', path('x'), '--epochs', '1'],
      1,
      /folder of CIFAR-10/,
    ],
    [
      [...'train --model se_resnet14 --data mnist --broken skip --epochs 1 --out'.split(' '), path('x')],
      1,
      /broken: expected none for mnist/,
    ],
    [
      ['train', path('run.json'), '--out', path('x'), '--broken', 'skip'],
      2,
      /--broken: expected --data with it/,
    ],
    [['eval'], 2, /expected RUN, or --model/],
    [['eval', '--checkpoint', 'last'], 2, /--checkpoint: expected a run with it/],
    [['predict', 'a.png', '--run', path('nowhere')], 1, /ERR_SENET_FILE: .*config\.json/],
    [
      ['predict', 'a.png', '--run', path('runs/first'), '--classes', '3'],
      2,
      /--classes: expected none with a run/,
    ],
    [
      ['convert', 'a.pth', 'b.safetensors', '--checkpoint', 'best'],
      2,
      /--checkpoint: expected a run with it/,
    ],
    [['eval', path('nowhere')], 1, /config\.json/],
    [['runs', path('nowhere')], 1, /ERR_SENET_FILE/],
  ] as [string[], number, RegExp][])('%j fails with %i', async (args, code, message) => {
    const result = await senet(...args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trimEnd()).not.toContain('\n');
    expect(result.code).toBe(code);
  });
});

describe('configurations', () => {
  const wrong = (change: object) => () => checkRunConfig('run.json', { ...config, ...change });

  test('point to the field that is wrong', () => {
    expect(wrong({ epochs: '2' })).toThrow(/^run\.json: epochs: expected number, received "2"$/);
    expect(wrong({ data: { kind: 'imagenet' } })).toThrow(/^run\.json: data\.kind: expected .*"cifar10"/);
    expect(wrong({ data: { kind: 'folder', dir: 'a' } })).toThrow(
      /^run\.json: data\.dir: there is no such field$/,
    );
    expect(wrong({ epoch: 2 })).toThrow(/^run\.json: epoch: there is no such field$/);
    expect(wrong({ optimizer: { kind: 'adam' } })).toThrow(/^run\.json: optimizer\.kind: expected /);
    expect(wrong({ model: undefined })).toThrow(/^run\.json: model: expected a value, received none$/);
    expect(() => checkRunConfig('run.json', null)).toThrow(/^run\.json: expected Object, received null$/);
  });

  test('what a part does not take is said by that part', async () => {
    const prepare = (change: object) => prepareRun({ ...config, ...change });
    await expect(prepare({ optimizer: { kind: 'sgd', speed: 1 } })).rejects.toThrow(
      /sgd: expected options .*'speed'/,
    );
    await expect(prepare({ schedule: { kind: 'cosine' } })).rejects.toThrow(/cosine: lr: /);
    await expect(prepare({ augment: { flop: true } })).rejects.toThrow(/flop/);
    await expect(prepare({ compile: { device: 'tpu' } })).rejects.toThrow(/device: /);
    await expect(prepare({ ema: { decay: 2 } })).rejects.toThrow(/decay/);
    await expect(prepare({ earlyStopping: { patience: -1 } })).rejects.toThrow(/patience: /);
    const { epochs: _, ...endless } = config;
    await expect(prepareRun(endless)).rejects.toThrow(/epochs: expected a number of epochs, or a recipe/);
  });

  test.each(Object.keys(recipes))('recipe %s is ready to train', async (recipe) => {
    const { model, modelOptions, data, compile } = config;
    const run = await prepareRun({ model, modelOptions, data, compile, recipe });
    try {
      expect(run.config).toMatchObject(recipes[recipe as keyof typeof recipes]);
      const { accumulate = 1, batchSize } = run.config;
      expect(accumulate * batchSize!).toBeGreaterThanOrEqual(128);
      const { epochs } = await run.model.fit(run.train, { ...run.fit, epochs: 1, batchSize: 4 });
      expect(epochs[0]!.loss).toBeGreaterThan(0);
    } finally {
      run.model.dispose();
    }
  });
});
