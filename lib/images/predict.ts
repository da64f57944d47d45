/** Predictions for images: files, encoded bytes and raw pixels, several views of each. */
import type { PreparedImages } from '../data/batch.ts';
import { ArgumentError, ArgumentRangeError, ShapeError } from '../errors.ts';
import { type Crop, cropsOf, normalizationOf, PartWriter } from './crops.ts';
import { decodeImage } from './decode.ts';
import { checkImageSource, defaultLimitPixels, type ImageSource, type Pixels } from './image.ts';
import { mapLimited, Pace } from './pace.ts';
import { checkForInput, type InputShape, type Preprocessing } from './preprocessing.ts';
import { resizeImage, sizeWithShortSide } from './resize.ts';

/** Images decoded at the same time: libuv has four threads. */
const decodersAtOnce = 4;

/** Options of `Model.predict` that concern images. */
export interface ImageOptions {
  /** How to prepare the images; default `model.preprocessing`. */
  preprocessing?: Preprocessing;
  /**
   * Views of an image whose probabilities are averaged: its centre, or centre and corners, each also mirrored; default
   * `'center'`.
   */
  crops?: 'center' | 'ten';
  /** Lengths of the shorter side to resize to one after another, averaged; default that of the preprocessing alone. */
  scales?: readonly number[];
  /** Largest width × height × channels of an image, compared before it is decoded; default 2^28. */
  limitPixels?: number;
}

/** The checked options. */
export interface ImageViews {
  readonly preprocessing: Preprocessing;
  readonly crops: 'center' | 'ten';
  readonly scales: readonly number[];
  readonly limitPixels: number;
}

/** Checks images and options, and fills in defaults. */
export function checkImages(
  label: string,
  images: unknown,
  options: ImageOptions,
  input: InputShape,
  fallback: Preprocessing,
): { sources: readonly ImageSource[]; views: ImageViews } {
  const single = !Array.isArray(images);
  const sources: readonly unknown[] = single ? [images] : images;
  if (sources.length === 0) throw new ShapeError(`${label}: images: expected at least one, received none`);
  for (const [i, source] of sources.entries()) checkImageSource(`${label}: ${nameOf(i, single)}`, source);
  if (input[2] !== 1 && input[2] !== 3) {
    throw new ShapeError(
      `${label}: images: expected a model with 1 or 3 input channels, received one with ${input[2]}; give it a Float32Array`,
    );
  }
  const { crops = 'center', limitPixels = defaultLimitPixels } = options;
  const preprocessing = checkForInput(`${label}: preprocessing`, options.preprocessing ?? fallback, input);
  const { scales = [preprocessing.resize] } = options;
  if (crops !== 'center' && crops !== 'ten') {
    throw new ArgumentRangeError(
      `${label}: crops: expected 'center' or 'ten', received ${typeof crops === 'string' ? `'${crops}'` : typeof crops}`,
    );
  }
  if (!Array.isArray(scales) || scales.length === 0)
    throw new ArgumentError(`${label}: scales: expected at least one number, received ${String(scales)}`);
  for (const resize of scales) checkForInput(`${label}: scales`, { ...preprocessing, resize }, input);
  if (!Number.isSafeInteger(limitPixels) || limitPixels < 1 || limitPixels > 2 ** 31 - 1) {
    throw new ArgumentRangeError(
      `${label}: limitPixels: expected a whole number from 1 to ${2 ** 31 - 1}, received ${String(limitPixels)}`,
    );
  }
  return { sources: [...sources] as ImageSource[], views: { preprocessing, crops, scales, limitPixels } };
}

const nameOf = (index: number, single: boolean): string => (single ? 'image' : `images[${index}]`);

/** Views of each image. */
export const viewsOf = ({ crops, scales }: ImageViews): number => scales.length * (crops === 'ten' ? 10 : 1);

/** An image in the sizes to look at, with the parts to cut out. */
async function resizedViews(pixels: Pixels, views: ImageViews): Promise<{ image: Pixels; crop: Crop }[]> {
  const found: { image: Pixels; crop: Crop }[] = [];
  for (const scale of views.scales) {
    const { width, height } = sizeWithShortSide(pixels, scale);
    const image = await resizeImage(pixels, width, height, views.preprocessing.interpolation);
    for (const crop of cropsOf(image, views.preprocessing, views.crops)) found.push({ image, crop });
  }
  return found;
}

/**
 * Decodes, resizes and cuts images.
 *
 * @returns `[images, views of each, height, width, channels]`
 */
export async function prepareViews(
  sources: readonly ImageSource[],
  names: (index: number) => string,
  views: ImageViews,
  signal: AbortSignal | undefined,
): Promise<PreparedImages> {
  const writer = new PartWriter(views.preprocessing);
  const perImage = viewsOf(views) * writer.size;
  const out = new Uint8Array(sources.length * perImage);
  await mapLimited(sources, decodersAtOnce, async (source, i) => {
    signal?.throwIfAborted();
    const pixels = await decodeImage(source, names(i), views.limitPixels);
    const pace = new Pace();
    for (const [v, { image, crop }] of (await resizedViews(pixels, views)).entries()) {
      writer.write(image, crop, out, i * perImage + v * writer.size);
      const pause = pace.pause();
      if (pause !== undefined) await pause;
    }
  });
  return { images: out, normalization: normalizationOf(views.preprocessing) };
}

/**
 * What a network says of images, averaged over their views. The next images are prepared while some are computed.
 *
 * @param batchSize most images prepared at once, and most views computed at once
 * @param run computes the classes' values for prepared views
 * @returns `[images, classes]`
 */
export async function predictImages(
  { sources, views }: { sources: readonly ImageSource[]; views: ImageViews },
  { batchSize, classes, signal }: { batchSize: number; classes: number; signal: AbortSignal | undefined },
  run: (prepared: PreparedImages) => Promise<Float32Array>,
): Promise<Float32Array> {
  const count = viewsOf(views);
  const atOnce = Math.max(1, Math.floor(batchSize / count));
  const prepare = (start: number) =>
    prepareViews(
      sources.slice(start, start + atOnce),
      (i) => nameOf(start + i, sources.length === 1),
      views,
      signal,
    );
  const means = new Float32Array(sources.length * classes);
  let ready: Promise<PreparedImages> | undefined = prepare(0);
  for (let start = 0; ready !== undefined; start += atOnce) {
    const prepared: PreparedImages = await ready;
    const next = start + atOnce;
    ready = next < sources.length ? prepare(next) : undefined;
    // Whether it fails is seen when its turn comes.
    ready?.catch(() => undefined);
    const values = await run(prepared);
    average(values, count, classes, means, start * classes);
  }
  return means;
}

function average(
  from: Float32Array,
  count: number,
  classes: number,
  means: Float32Array,
  offset: number,
): void {
  const images = from.length / (count * classes);
  for (let i = 0; i < images; i++) {
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let v = 0; v < count; v++) sum += from[(i * count + v) * classes + c]!;
      means[offset + i * classes + c] = sum / count;
    }
  }
}
