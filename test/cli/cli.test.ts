/** The command line, as a user runs it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createModel, exportOnnx, type Guess, listModels, readStateDict } from '../../lib/index.ts';
import { runScript, type ScriptResult, STACK_TRACE } from '../scripts/run_script.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-cli-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function senet(...args: string[]): Promise<ScriptResult> {
  const result = await runScript('bin/senet.mjs', args);
  expect(result.stdout + result.stderr).not.toMatch(STACK_TRACE);
  return result;
}

const photo = {
  data: Uint8Array.from({ length: 40 * 50 * 3 }, (_, i) => (i * 37) % 251),
  width: 50,
  height: 40,
  channels: 3,
} as const;
const tiny = ['--model', 'se_resnet14', '--classes', '3', '--weights', path('tiny.safetensors')];

beforeAll(async () => {
  const { data, ...raw } = photo;
  writeFileSync(path('photo.png'), await sharp(data, { raw }).png().toBuffer());
  using model = createModel('se_resnet14', { classes: 3, seed: 4 });
  await model.save(path('tiny.safetensors'));
  writeFileSync(path('names.txt'), 'ant\nbee\ncat\n');
  writeFileSync(path('two.txt'), 'ant\nbee\n');
  writeFileSync(path('broken.jpg'), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16));
});

describe('predict', () => {
  test('says what the model says', async () => {
    using model = createModel('se_resnet14', { classes: 3, seed: 4 });
    const expected = await model.predict(photo);
    const { code, stdout, stderr } = await senet(
      ...['predict', path('photo.png'), path('photo.png'), ...tiny],
      ...['--names', path('names.txt'), '--top', '2', '--device', 'cpu', '--json'],
    );
    expect([code, stderr]).toEqual([0, '']);
    const found = JSON.parse(stdout) as { image: string; top: Guess[] }[];
    expect(found.map(({ image }) => image)).toEqual([path('photo.png'), path('photo.png')]);
    expect(found[0]!.top.length).toBe(2);
    for (const { index, name, probability } of found[1]!.top) {
      expect(name).toBe(['ant', 'bee', 'cat'][index]);
      // Batches of one and of two may be summed in another order.
      expect(Math.abs(probability - expected[index]!)).toBeLessThan(1e-5);
    }
  });

  test('as text, of several views', async () => {
    const { code, stdout } = await senet(
      ...['predict', path('photo.png'), ...tiny, '--crops', 'ten', '--scales', '32,40'],
      ...['--preprocessing', 'cifar100', '--names', path('names.txt')],
    );
    expect(code).toBe(0);
    const [name, ...lines] = stdout.trimEnd().split('\n');
    expect(name).toBe(path('photo.png'));
    expect(lines.length).toBe(3);
    for (const line of lines) expect(line).toMatch(/^ +\d+\.\d\d % {2}(ant|bee|cat) \([012]\)$/);
  });

  test.each<[string, string[], RegExp]>([
    [
      'a broken image',
      [path('broken.jpg'), ...tiny],
      /^senet predict: ERR_SENET_FILE: .*broken\.jpg: expected a whole JPEG/,
    ],
    ['no image', [path('absent.jpg'), ...tiny], /^senet predict: ERR_SENET_FILE: .*absent\.jpg: cannot open/],
    ['weights of another model', [path('photo.png'), ...tiny, '--classes', '4'], /ERR_SENET_WEIGHTS: /],
    [
      'an unknown model',
      [path('photo.png'), ...tiny, '--model', 'se_resnet51'],
      /ERR_SENET_RANGE: .*se_resnet50/,
    ],
    [
      'too few names',
      [path('photo.png'), ...tiny, '--names', path('two.txt')],
      /expected 3 lines, one per class, received 2/,
    ],
    [
      'a scale below the crop',
      [path('photo.png'), ...tiny, '--scales', '16'],
      /ERR_SENET_RANGE: predict: scales/,
    ],
  ])('%s is an error with a code', async (_, args, message) => {
    const { code, stdout, stderr } = await senet('predict', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
  });
});

test('models lists the zoo', async () => {
  const { code, stdout } = await senet('models', '--json');
  expect(code).toBe(0);
  const all = JSON.parse(stdout) as { name: string; parameters: number }[];
  expect(all.map(({ name }) => name)).toEqual(listModels());
  expect(all.find(({ name }) => name === 'se_resnet50')?.parameters).toBe(28_088_024);
  expect((await senet('models')).stdout.trimEnd().split('\n').length).toBe(all.length);
});

test('summary is that of the model', async () => {
  const args = ['summary', 'se_resnet14', '--input', '24x28x1', '--classes', '5'];
  using model = createModel('se_resnet14', { input: [24, 28, 1], classes: 5 });
  expect((await senet(...args)).stdout.trimEnd()).toBe(String(model.summary()));
  const json = JSON.parse((await senet(...args, '--json')).stdout) as { parameters: number; rows: unknown[] };
  expect(json).toMatchObject({ parameters: model.summary().parameters, name: 'se_resnet14' });
  expect(json.rows.length).toBe(model.summary().rows.length);
});

test('profile says where the time goes, and writes a trace', async () => {
  const args = ['profile', 'se_resnet14', '--batch-size', '2', '--runs', '1', '--threads', '1'];
  const { code, stdout, stderr } = await senet(...args, '--training', '--trace', path('trace.json'));
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^op +steps +ms +share +GFLOP\/s +GB\/s +of roof\n/);
  expect(stdout).toMatch(/norm_tail_grad/);
  const { traceEvents } = JSON.parse(readFileSync(path('trace.json'), 'utf8')) as { traceEvents: unknown[] };
  expect(traceEvents.length).toBeGreaterThan(50);
  const json = JSON.parse((await senet(...args, '--json')).stdout) as { peak: unknown; steps: unknown[] };
  expect(json.peak).toMatchObject({ flops: expect.any(Number) });
  expect(json.steps.length).toBeGreaterThan(20);
  const failed = await senet(...args, '--trace', path('no/where.json'));
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/ERR_SENET_FILE: .*where\.json: cannot write/);
}, 60_000);

describe('convert', () => {
  test('safetensors to safetensors, with and without a model', async () => {
    const { code, stdout } = await senet('convert', path('tiny.safetensors'), path('again.safetensors'));
    expect([code, stdout]).toEqual([0, expect.stringMatching(/again\.safetensors: \d+ tensors of /)]);
    const through = ['--model', 'se_resnet14', '--classes', '3', '--json'];
    const found = await senet('convert', path('again.safetensors'), path('fit.safetensors'), ...through);
    using model = createModel('se_resnet14', { classes: 3, seed: 4 });
    const expected = await model.stateDict();
    expect(JSON.parse(found.stdout)).toMatchObject({ tensors: expected.size });
    for (const file of ['again.safetensors', 'fit.safetensors'])
      expect(await readStateDict(path(file))).toEqual(expected);
  });

  test('to ONNX', async () => {
    const args = [path('tiny.safetensors'), path('tiny.onnx'), '--model', 'se_resnet14', '--classes', '3'];
    expect((await senet('convert', ...args)).code).toBe(0);
    using model = createModel('se_resnet14', { classes: 3, seed: 4 });
    await exportOnnx(model, path('expected.onnx'));
    expect(readFileSync(path('tiny.onnx')).equals(readFileSync(path('expected.onnx')))).toBe(true);
  });

  test('from ONNX, as it is and into a model of the zoo', async () => {
    using model = createModel('se_resnet14', { classes: 3, seed: 4 });
    await exportOnnx(model, path('source.onnx'));
    const expected = await model.stateDict();
    for (const through of [[], ['--model', 'se_resnet14', '--classes', '3']]) {
      const { code, stderr } = await senet(
        'convert',
        path('source.onnx'),
        path('from.safetensors'),
        ...through,
      );
      expect([code, stderr]).toEqual([0, '']);
      expect((await readStateDict(path('from.safetensors'))).get('conv1.weight')).toEqual(
        expected.get('conv1.weight'),
      );
    }
    const other = ['--model', 'se_resnet20', '--classes', '3'];
    const { code, stderr } = await senet('convert', path('source.onnx'), path('no.safetensors'), ...other);
    expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_SENET_WEIGHTS')]);
  });

  test('what is no weight file is refused, and nothing is written', async () => {
    const { code, stderr } = await senet('convert', path('photo.png'), path('none.safetensors'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_SENET_FILE')]);
    expect(existsSync(path('none.safetensors'))).toBe(false);
  });
});

describe('wrong use is one line and exit code 2', () => {
  test.each<[string[], RegExp]>([
    [[], /expected a command \(train, .*predict, .*doctor\), received none/],
    [['operate'], /received 'operate'/],
    [['predict'], /expected at least 1 argument/],
    [['predict', 'a.jpg'], /expected --model MODEL/],
    [['predict', 'a.jpg', '--model', 'se_resnet14'], /expected --weights FILE/],
    [['predict', 'a.jpg', ...tiny, '--top', '0'], /--top: expected a whole number, received '0'/],
    [['predict', 'a.jpg', ...tiny, '--crops', 'five'], /--crops: expected center or ten, received 'five'/],
    [['predict', 'a.jpg', ...tiny, '--scales', 'a'], /--scales: expected whole numbers/],
    [['predict', 'a.jpg', ...tiny, '--device', 'tpu'], /--device: expected auto or cpu or cuda/],
    [['predict', 'a.jpg', ...tiny, '--preprocessing', 'x'], /--preprocessing: expected imagenet or/],
    [['summary'], /expected 1 argument/],
    [['summary', 'se_resnet14', '--input', '32x32'], /--input: expected HxWxC/],
    [['summary', 'se_resnet14', '--stride-in', '2x2'], /--stride-in: expected 1x1 or 3x3/],
    [['convert', 'a.pth'], /expected 2 argument/],
    [['convert', 'a.pth', 'b.pth'], /expected OUT to end in/],
    [['convert', 'a.pth', 'b.onnx'], /expected --model MODEL/],
    [['models', '--loud'], /'--loud'/],
    [['models', '--json=1'], /--json/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await senet(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
  });

  test('each command explains itself', async () => {
    const overview = await senet('--help');
    for (const command of ['train', 'eval', 'runs', 'ablate', 'predict', 'summary', 'convert', 'models']) {
      const { code, stdout } = await senet(command, '--help');
      expect(code, command).toBe(0);
      expect(stdout).toMatch(new RegExp(`^senet ${command} `));
      expect(overview.stdout).toContain(`  ${command}`);
    }
  });
});
