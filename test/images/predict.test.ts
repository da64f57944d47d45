/** Predictions for files, encoded bytes and raw pixels. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  ArgumentRangeError,
  createModel,
  ensemble,
  FileError,
  type ImageSource,
  type Preprocessing,
  preprocessings,
  ShapeError,
} from '../../lib/index.ts';
import { writeSafetensors } from '../../lib/io/safetensors_writer.ts';
import { readFile } from '../io/read_bytes.ts';

const folder = mkdtempSync(join(tmpdir(), 'senet-images-'));
const path = (name: string): string => join(folder, name);
const wrong = <T>(value: unknown): T => value as T;

/** An image of one size that no crop or flip leaves as it is. */
const width = 48;
const height = 40;
const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 7 + (i % 97) * 11) % 256);
const raw = { data: rgb, width, height, channels: 3 } as const;
writeFileSync(
  path('photo.png'),
  await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer(),
);

const model = createModel('se_resnet20', { input: [32, 32, 3], classes: 7, seed: 3 });
/** The image as it is, normalised by hand: a crop of 32 x 32 from an image of 40 x 48. */
const plain: Preprocessing = { ...preprocessings.cifar10, resize: 40 };
const cut = (top: number, left: number, { mean, std, order, range }: Preprocessing = plain): Float32Array => {
  const values: number[] = [];
  for (let y = 0; y < 32; y++)
    for (let x = 0; x < 32; x++)
      for (let c = 0; c < 3; c++) {
        const byte = rgb[((top + y) * width + left + x) * 3 + (order === 'rgb' ? c : 2 - c)]!;
        values.push(((byte * range) / 255 - mean[c]!) / std[c]!);
      }
  return Float32Array.from(values);
};
afterAll(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('what an image can be', () => {
  test('a file, its bytes and its pixels are one', async () => {
    const bytes = readFileSync(path('photo.png'));
    const expected = await model.predict(cut(4, 8), { batchSize: 1 });
    const options = { preprocessing: plain, batchSize: 1 };
    const alone: ImageSource[] = [path('photo.png'), bytes, new Uint8Array(bytes), raw];
    for (const source of alone) expect(await model.predict(source, options)).toEqual(expected);
    const together = await model.predict(alone, options);
    for (let i = 0; i < alone.length; i++) expect(together.subarray(i * 7, i * 7 + 7)).toEqual(expected);
  });

  test('grey and alpha', async () => {
    const grey = Uint8Array.from({ length: width * height }, (_, i) => rgb[i]!);
    const spread = (channels: number, put: (value: number, c: number) => number) =>
      Uint8Array.from({ length: grey.length * channels }, (_, i) =>
        put(grey[Math.floor(i / channels)]!, i % channels),
      );
    const size = { width, height };
    const expected = await model.predict({ ...size, channels: 3, data: spread(3, (v) => v) });
    const others: ImageSource[] = [
      { ...size, channels: 1, data: grey },
      { ...size, channels: 2, data: spread(2, (v, c) => (c === 1 ? 9 : v)) },
      { ...size, channels: 4, data: spread(4, (v, c) => (c === 3 ? 9 : v)) },
    ];
    for (const source of others) expect(await model.predict(source)).toEqual(expected);
  });

  test('a model of one channel takes brightness', async () => {
    using one = createModel('se_resnet20', { input: [32, 32, 1], classes: 3 });
    expect(one.preprocessing).toMatchObject({ resize: 32, crop: 32, mean: [0.5], std: [0.5] });
    const data = new Uint8Array(32 * 32 * 3);
    for (let i = 0; i < data.length; i += 3) data.set([200, 100, 50], i);
    // (0.299 * 200 + 0.587 * 100 + 0.114 * 50, rounded) / 255 * 2 - 1
    const value = new Float32Array(32 * 32).fill((124 / 255 - 0.5) / 0.5);
    expect(await one.predict({ data, width: 32, height: 32, channels: 3 })).toEqual(await one.predict(value));
  });

  test('the caller may change bytes once the promise has settled, and an image is looked at whole', async () => {
    const bytes = new Uint8Array(readFileSync(path('photo.png')));
    const before = await model.predict(bytes);
    bytes.fill(0);
    expect(before).toEqual(await model.predict(path('photo.png')));
  });
});

describe('views', () => {
  test('ten crops are averaged', async () => {
    const views = [cut(0, 0), cut(0, 16), cut(8, 0), cut(8, 16), cut(4, 8)];
    const mirrored = views.map((view) =>
      Float32Array.from(
        view,
        (_, i) => view[Math.floor(i / 96) * 96 + (31 - (Math.floor(i / 3) % 32)) * 3 + (i % 3)]!,
      ),
    );
    const all = Float32Array.from([...views, ...mirrored].flatMap((view) => [...view]));
    const each = await model.predict(all, { batchSize: 10 });
    const mean = Array.from(
      { length: 7 },
      (_, c) => Array.from({ length: 10 }, (__, v) => each[v * 7 + c]!).reduce((a, b) => a + b, 0) / 10,
    );
    const ten = await model.predict([raw, raw, raw], { preprocessing: plain, crops: 'ten', batchSize: 10 });
    expect(ten.length).toBe(21);
    // One addition of ten probabilities, rounded to float32.
    for (const [i, value] of ten.entries()) expect(Math.abs(value - mean[i % 7]!)).toBeLessThan(2e-7);
  });

  test('logits are what probabilities are the softmax of, and averaged as they are', async () => {
    const views = Float32Array.from([...cut(0, 0), ...cut(4, 8)]);
    const [logits, probabilities] = [
      await model.predict(views, { output: 'logits' }),
      await model.predict(views, { output: 'probabilities' }),
    ];
    for (const v of [0, 1]) {
      const powers = Array.from(logits.subarray(v * 7, v * 7 + 7), Math.exp);
      const sum = powers.reduce((a, b) => a + b, 0);
      for (const [c, power] of powers.entries()) expect(probabilities[v * 7 + c]).toBeCloseTo(power / sum, 6);
    }
    const at = (resize: number) =>
      model.predict(raw, { preprocessing: { ...plain, resize }, output: 'logits' });
    const [small, large] = [await at(36), await at(64)];
    const both = await model.predict(raw, { preprocessing: plain, scales: [36, 64], output: 'logits' });
    for (const [i, value] of both.entries()) expect(value).toBeCloseTo((small[i]! + large[i]!) / 2, 5);
    expect(await ensemble([model]).predict(views, { output: 'logits' })).toEqual(logits);
  });

  test('scales are averaged', async () => {
    const at = (resize: number) => model.predict(raw, { preprocessing: { ...plain, resize } });
    const [small, large] = [await at(36), await at(64)];
    const both = await model.predict(raw, { preprocessing: plain, scales: [36, 64] });
    for (const [i, value] of both.entries())
      expect(Math.abs(value - (small[i]! + large[i]!) / 2)).toBeLessThan(2e-7);
  });

  test('an ensemble is averaged, each model in its own way', async () => {
    using other = createModel('se_resnet14', { input: [32, 32, 3], classes: 7, seed: 5 });
    other.preprocessing = { ...plain, order: 'bgr', range: 255, mean: [104, 117, 123], std: [1, 1, 1] };
    const [a, b] = [await model.predict(raw), await other.predict(raw)];
    const both = await ensemble([model, other]).predict(raw);
    for (const [i, value] of both.entries()) expect(Math.abs(value - (a[i]! + b[i]!) / 2)).toBeLessThan(2e-7);
    const bgr = await other.predict(cut(4, 8, other.preprocessing));
    expect(b).toEqual(bgr);
    expect(() => ensemble([])).toThrow(ArgumentError);
    using more = createModel('se_resnet14', { classes: 8 });
    expect(() => ensemble([model, more])).toThrow(ShapeError);
  });
});

describe('preprocessing', () => {
  test('defaults by architecture and input', () => {
    const of = (...args: Parameters<typeof createModel>) => {
      using built = createModel(...args);
      return built.preprocessing;
    };
    expect(of('se_resnet18')).toEqual(preprocessings.imagenet);
    expect(of('se_resnet18', { input: [320, 320, 3] })).toMatchObject({ resize: 366, crop: 320 });
    expect(of('se_resnet18', { input: [128, 192, 3] })).toMatchObject({ resize: 146, crop: [128, 192] });
    expect(model.preprocessing).toEqual(preprocessings.cifar10);
  });

  test('travels with the weights', async () => {
    using first = createModel('se_resnet14', { classes: 4 });
    first.preprocessing = { ...preprocessings.caffe, resize: 40, crop: 32 };
    await first.save(path('caffe.safetensors'));
    using second = createModel('se_resnet14', { classes: 4 });
    await second.load(path('caffe.safetensors'));
    expect(second.preprocessing).toEqual(first.preprocessing);
    // In another size the crop is that size, and the rest keeps its proportion.
    using larger = createModel('se_resnet14', { classes: 4, input: [64, 64, 3] });
    await larger.load(path('caffe.safetensors'));
    expect(larger.preprocessing).toEqual({ ...first.preprocessing, resize: 80, crop: 64 });
  });

  test.each(['{', '{"resize":1}', 'null', '[]'])(
    'a file with %s is refused and changes nothing',
    async (text) => {
      using damaged = createModel('se_resnet14', { classes: 4 });
      await damaged.save(path('damaged.safetensors'));
      const { tensors } = await readFile(path('damaged.safetensors'));
      await writeSafetensors(path('damaged.safetensors'), tensors, {
        metadata: [['senet.preprocessing', text]],
      });
      await expect(damaged.load(path('damaged.safetensors'))).rejects.toThrow(FileError);
      expect(damaged.preprocessing).toEqual(preprocessings.cifar10);
    },
  );

  test.each<[Partial<Record<keyof Preprocessing | 'other', unknown>>, new (...args: never[]) => Error]>([
    [{ resize: 0 }, ArgumentRangeError],
    [{ resize: 31 }, ArgumentRangeError],
    [{ resize: 1e9 }, ArgumentRangeError],
    [{ crop: [32] }, ArgumentRangeError],
    [{ crop: 31 }, ShapeError],
    [{ interpolation: 'lanczos' }, ArgumentRangeError],
    [{ mean: [0.5] }, ArgumentRangeError],
    [{ mean: [0.5], std: [0.5] }, ShapeError],
    [{ std: [1, 1, 0] }, ArgumentRangeError],
    [{ std: [1, 1, Number.NaN] }, ArgumentRangeError],
    [{ order: 'gbr' }, ArgumentRangeError],
    [{ range: 2 }, ArgumentRangeError],
    [{ other: 1 }, ArgumentError],
  ])('%j is refused', (part, type) => {
    expect(() => {
      model.preprocessing = wrong<Preprocessing>({ ...preprocessings.cifar10, ...part });
    }).toThrow(type);
    expect(model.preprocessing).toEqual(preprocessings.cifar10);
  });
});

describe('wrong use', () => {
  const size = { width: 4, height: 4 };
  test.each<[string, unknown, object, new (...args: never[]) => Error]>([
    ['nothing', undefined, {}, ArgumentError],
    ['no images', [], {}, ShapeError],
    ['a number', 4, {}, ArgumentError],
    ['an empty name', '', {}, ArgumentRangeError],
    ['floats as pixels', { ...size, data: new Float32Array(48), channels: 3 }, {}, ArgumentError],
    ['too few pixels', { ...size, data: new Uint8Array(47), channels: 3 }, {}, ArgumentRangeError],
    ['five channels', { ...size, data: new Uint8Array(80), channels: 5 }, {}, ArgumentRangeError],
    ['no width', { height: 4, data: new Uint8Array(48), channels: 3 }, {}, ArgumentRangeError],
    ['unknown crops', raw, { crops: 'five' }, ArgumentRangeError],
    ['no scales', raw, { scales: [] }, ArgumentError],
    ['a scale below the crop', raw, { scales: [31] }, ArgumentRangeError],
    ['a limit of 0', raw, { limitPixels: 0 }, ArgumentRangeError],
    ['an unknown output', raw, { output: 'classes' }, ArgumentRangeError],
    ['an unknown option', raw, { crop: 'ten' }, ArgumentError],
    ['a preprocessing of another size', raw, { preprocessing: preprocessings.imagenet }, ShapeError],
    ['image options with prepared values', new Float32Array(32 * 32 * 3), { crops: 'ten' }, ArgumentError],
  ])('%s', async (_, images, options, type) => {
    await expect(model.predict(wrong(images), options)).rejects.toThrow(type);
  });

  test('the limit is width x height x channels, from the header', async () => {
    const limitPixels = width * height * 3;
    await model.predict([raw, path('photo.png')], { limitPixels });
    await expect(model.predict(path('photo.png'), { limitPixels: limitPixels - 1 })).rejects.toThrow(
      /photo\.png: expected at most 5759 for width x height x channels/,
    );
    await expect(model.predict(raw, { limitPixels: limitPixels - 1 })).rejects.toThrow(ArgumentRangeError);
  });

  test('an error names the image, the others are let go, and the model stays usable', async () => {
    const bad = Uint8Array.of(1, 2, 3);
    await expect(model.predict([raw, bad, path('absent.png')])).rejects.toMatchObject({
      code: 'ERR_SENET_FILE',
      path: 'images[1]',
    });
    await expect(model.predict(path('absent.png'))).rejects.toMatchObject({
      code: 'ERR_SENET_FILE',
      path: path('absent.png'),
    });
    await expect(model.predict(folder)).rejects.toThrow(/found a directory/);
    await expect(model.predict(raw, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect((await model.predict(raw)).length).toBe(7);
  });
});
