/** `senet data preview`, as a user runs it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cifar10, imageFolder, preprocessings, previewData } from '../../lib/index.ts';
import { runScript, type ScriptResult, STACK_TRACE } from '../scripts/run_script.ts';

const root = mkdtempSync(join(tmpdir(), 'senet-cli-data-'));
const path = (name: string): string => join(root, name);
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function senet(...args: string[]): Promise<ScriptResult> {
  const result = await runScript('bin/senet.mjs', ['data', ...args]);
  expect(result.stdout + result.stderr).not.toMatch(STACK_TRACE);
  return result;
}
const pixelsOf = (file: string | Uint8Array) => sharp(file).raw().toBuffer();

beforeAll(async () => {
  mkdirSync(path('photos/a'), { recursive: true });
  for (let i = 0; i < 5; i++) {
    const data = Uint8Array.from({ length: 40 * 50 * 3 }, (_, k) => (k * (31 + i)) % 251);
    await sharp(data, { raw: { width: 50, height: 40, channels: 3 } })
      .png()
      .toFile(path(`photos/a/${i}.png`));
  }
  mkdirSync(path('cifar'));
  const record = (label: number) => [label, ...Array.from({ length: 3072 }, (_, k) => (k * 7 + label) % 256)];
  for (const name of [
    'data_batch_1',
    'data_batch_2',
    'data_batch_3',
    'data_batch_4',
    'data_batch_5',
    'test_batch',
  ])
    writeFileSync(path(`cifar/${name}.bin`), Uint8Array.from([...record(1), ...record(2)]));
  writeFileSync(path('augment.json'), '{ "flip": true, "crop": 4 }\n');
  writeFileSync(path('bad.json'), '{ flip }');
});

describe('preview', () => {
  test('of a folder, augmented as a file says', async () => {
    const out = path('folder.png');
    const { code, stdout, stderr } = await senet(
      ...['preview', path('photos'), '--augment', path('augment.json'), '--size', '32'],
      ...['--count', '3', '--seed', '1', '--epoch', '0', '--out', out],
    );
    expect([code, stderr, stdout]).toEqual([0, '', `${out}: 3 of 4 images\n`]);
    const preprocessing = { ...preprocessings.imagenet, resize: 37, crop: 32 };
    const { train } = await imageFolder(path('photos'), { preprocessing });
    const expected = await previewData(train.augmented({ flip: true, crop: 4 }), { count: 3, seed: 1 });
    expect(await pixelsOf(out)).toEqual(await pixelsOf(expected));
  });

  test('of a dataset, augmented as the argument says', async () => {
    const out = path('cifar.png');
    const { code, stdout } = await senet(
      ...['preview', '--dataset', 'cifar10', '--data', path('cifar'), '--augment', '{"cutout":16}'],
      ...['--count', '99', '--out', out, '--json'],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      out,
      shown: 10,
      size: 10,
      augmentation: { cutout: 16 },
      broken: [],
    });
    const { train } = await cifar10({ directory: path('cifar') });
    const expected = await previewData(train.augmented({ cutout: 16 }), { count: 10 });
    expect(await pixelsOf(out)).toEqual(await pixelsOf(expected));
  });

  test('broken images are an error, or skipped and named', async () => {
    mkdirSync(path('some/a'), { recursive: true });
    writeFileSync(path('some/a/1.png'), 'text');
    await sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } })
      .png()
      .toFile(path('some/a/2.png'));
    const args = ['preview', path('some'), '--size', '32', '--out', path('some.png')];
    const failed = await senet(...args);
    expect([failed.code, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toMatch(/^senet data: ERR_SENET_FILE: .*1\.png: expected a JPEG/);
    expect(existsSync(path('some.png'))).toBe(false);
    const { code, stdout } = await senet(...args, '--broken', 'skip');
    expect(code).toBe(0);
    expect(stdout).toMatch(/some\.png: 2 of 2 images\nskipped .*1\.png: expected a JPEG/);
  });

  test.each<[string[], number, RegExp]>([
    [[], 2, /expected at least 1|expected 1 argument/],
    [['show'], 2, /expected preview, received 'show'/],
    [['preview'], 2, /expected a FOLDER or --dataset NAME/],
    [['preview', 'x', '--dataset', 'mnist'], 2, /expected a FOLDER or --dataset NAME/],
    [['preview', '--dataset', 'svhn'], 2, /--dataset: expected fashion-mnist or .*, received 'svhn'/],
    [['preview', '--dataset', 'cifar10'], 2, /expected --data DIR/],
    [['preview', 'x', '--augment', '{flip}'], 2, /--augment: expected JSON, received '\{flip\}'/],
    [['preview', 'x', '--epoch', '-1'], 2, /epoch/],
    [['preview', 'x', '--seed', '1.5'], 2, /--seed: expected a whole number, received '1.5'/],
    [['preview', '--dataset', 'mnist', '--data', root], 1, /ERR_SENET_FILE: .*expected the MNIST files/],
    [['preview', path('absent')], 1, /ERR_SENET_FILE: .*absent: cannot read/],
    [['preview', path('photos'), '--augment', path('bad.json')], 1, /bad\.json: expected JSON that/],
    [['preview', path('photos'), '--augment', path('none.json')], 1, /none\.json: cannot read/],
    [['preview', path('photos'), '--augment', '{"spin":1}'], 1, /ERR_SENET_ARGUMENT: .*received 'spin'/],
    [['preview', path('photos'), '--out', path('no/where.png')], 1, /where\.png: cannot write/],
  ])('%j is an error on one line', async (args, expected, message) => {
    const { code, stdout, stderr } = await senet(...args);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
  });

  test('explains itself', async () => {
    const { code, stdout } = await senet('--help');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^senet data preview FOLDER/)]);
  });
});
