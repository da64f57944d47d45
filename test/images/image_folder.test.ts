/** Folders of images as data, and the example that trains on one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  ArgumentRangeError,
  type Batch,
  type BatchOptions,
  createModel,
  FileError,
  type FolderDataset,
  floatImages,
  imageFolder,
  preprocessings,
} from '../../lib/index.ts';
import { runScript, STACK_TRACE } from '../scripts/run_script.ts';

const root = mkdtempSync(join(tmpdir(), 'senet-folder-'));
const folder = join(root, 'colours');
afterAll(() => rmSync(root, { recursive: true, force: true }));
const preprocessing = preprocessings.cifar10;

/** Ten plain images with some grain for each of two colours. */
beforeAll(async () => {
  for (const [name, colour] of [
    ['blue', [30, 60, 220]],
    ['red', [220, 50, 30]],
  ] as const) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < 10; i++) {
      const [width, height] = [40 + i, 36];
      const data = Uint8Array.from(
        { length: width * height * 3 },
        (_, k) => colour[k % 3]! + ((k * (i + 7)) % 29),
      );
      const file = sharp(data, { raw: { width, height, channels: 3 } });
      writeFileSync(
        join(folder, name, `${i}.${i % 2 ? 'JPG' : 'png'}`),
        await (i % 2 ? file.jpeg() : file.png()).toBuffer(),
      );
    }
    writeFileSync(join(folder, name, 'notes.txt'), 'no image');
    writeFileSync(join(folder, name, '.hidden.png'), 'no image');
  }
});

async function all(data: FolderDataset, options: BatchOptions): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of data.batches(options)) found.push(batch);
  return found;
}

describe('imageFolder', () => {
  test('splits each class, the same for the same seed', async () => {
    const { classes, train, validation } = await imageFolder(folder, {
      preprocessing,
      validation: 0.3,
      seed: 5,
    });
    expect(classes).toEqual(['blue', 'red']);
    expect([train.size, validation?.size]).toEqual([14, 6]);
    expect(validation!.files.filter((file) => file.includes('red')).length).toBe(3);
    expect(new Set([...train.files, ...validation!.files]).size).toBe(20);
    const again = await imageFolder(folder, { preprocessing, validation: 0.3, seed: 5 });
    expect(again.train.files).toEqual(train.files);
    const other = await imageFolder(folder, { preprocessing, validation: 0.3, seed: 6 });
    expect(other.train.files).not.toEqual(train.files);
    expect((await imageFolder(folder, { preprocessing, validation: 0 })).validation).toBeUndefined();
  });

  test('without augmentation an image is what predict sees', async () => {
    const { train } = await imageFolder(folder, { preprocessing, validation: 0 });
    const [first, second, ...more] = await all(train, { batchSize: 12 });
    expect([first!.size, second!.size, more.length]).toEqual([12, 8, 0]);
    expect([...first!.labels]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    using model = createModel('se_resnet14', { classes: 2 });
    const options = { batchSize: 12 };
    expect(await model.predict(floatImages(first!), options)).toEqual(
      await model.predict(train.files.slice(0, 12), options),
    );
    expect((await all(train, { batchSize: 12, dropLast: true })).length).toBe(1);
    const order = { batchSize: 5, shuffle: true, seed: 2 };
    expect(await all(train, { ...order, skip: 2 })).toEqual((await all(train, order)).slice(2));
  });

  test('order and augmentation depend on seed and epoch alone', async () => {
    const { train } = await imageFolder(folder, { preprocessing });
    const data = train.augmented({ flip: true, randomResizedCrop: {}, rotate: 10, crop: 2 });
    const walk = (seed: number, epoch: number) => all(data, { batchSize: 5, shuffle: true, seed, epoch });
    const once = await walk(1, 2);
    expect(await walk(1, 2)).toEqual(once);
    expect(await walk(1, 3)).not.toEqual(once);
    expect(await walk(2, 2)).not.toEqual(once);
    // The colours are still there: in each image the class's channel is the brightest.
    for (const batch of once)
      for (let i = 0; i < batch.size; i++) {
        const mean = (c: number) =>
          floatImages(batch)
            .subarray(i * 3072, (i + 1) * 3072)
            .reduce((sum, v, k) => (k % 3 === c ? sum + v : sum), 0);
        expect(mean(0) > mean(2)).toBe(batch.labels[i] === 1);
      }
  });

  test('what is wrong with a folder is said', async () => {
    await expect(imageFolder(join(root, 'absent'), { preprocessing })).rejects.toThrow(FileError);
    await expect(imageFolder(join(folder, 'red'), { preprocessing })).rejects.toThrow(
      /a sub-folder for each class/,
    );
    mkdirSync(join(root, 'empty', 'none'), { recursive: true });
    await expect(imageFolder(join(root, 'empty'), { preprocessing })).rejects.toThrow(
      /none: expected images/,
    );
    await expect(imageFolder(folder, { preprocessing, validation: 1 })).rejects.toThrow(ArgumentRangeError);
    await expect(imageFolder(folder, {} as never)).rejects.toThrow(ArgumentError);
    mkdirSync(join(root, 'bad', 'a'), { recursive: true });
    writeFileSync(join(root, 'bad', 'a', 'x.png'), 'no image');
    const { train } = await imageFolder(join(root, 'bad'), { preprocessing });
    await expect(all(train, { batchSize: 1 })).rejects.toThrow(/x\.png: expected a JPEG/);
    expect(() => train.batches({ batchSize: 0 })).toThrow(ArgumentRangeError);
    expect(() => train.augmented({ crop: 33 })).toThrow(ArgumentRangeError);
  });
});

describe('examples/fine_tune.mjs', () => {
  const common = ['--model', 'se_resnet14', '--size', '32', '--batch', '8'];

  test('learns two colours from weights of other classes', async () => {
    const weights = join(root, 'other.safetensors');
    using other = createModel('se_resnet14', { classes: 5, seed: 3 });
    await other.save(weights);
    const out = join(root, 'tuned.safetensors');
    const { code, stdout, stderr } = await runScript('examples/fine_tune.mjs', [
      ...[folder, '--weights', weights, '--out', out, '--epochs', '6', '--lr', '0.05'],
      ...common,
    ]);
    expect(stderr).not.toMatch(STACK_TRACE);
    expect(code).toBe(0);
    expect(stdout).toMatch(/loaded .*; new: fc\.weight, fc\.bias/);
    expect(stdout).toMatch(/validation: 100\.0 % of 4 images are right/);
    using tuned = createModel('se_resnet14', { classes: 2 });
    await tuned.load(out);
    const [blue] = await tuned.predict(join(folder, 'blue', '0.png'));
    expect(blue).toBeGreaterThan(0.5);
  });

  test('says what is wrong', async () => {
    const { code, stderr } = await runScript('examples/fine_tune.mjs', [join(root, 'absent'), ...common]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^ERR_SENET_FILE: .*absent: cannot read/)]);
    expect((await runScript('examples/fine_tune.mjs')).code).toBe(2);
  });
});
