/** How an image becomes the input of a network, as data that travels with the weights. */
import { ArgumentError, ArgumentRangeError, FileError, ShapeError } from '../errors.ts';
import type { Interpolation } from './resize.ts';

/**
 * How an image becomes the input of a network: it is resized, a part is cut out, and each channel is shifted and scaled,
 * `(pixel * range / 255 - mean) / std`.
 */
export interface Preprocessing {
  /** Length of the shorter side after resizing, in pixels; the longer one keeps the proportions. */
  readonly resize: number;
  /** Size of the part cut out: the side of a square, or height and width. Where it leaves the image it is black. */
  readonly crop: number | readonly [height: number, width: number];
  readonly interpolation: Interpolation;
  /** One per channel, in the network's order. */
  readonly mean: readonly number[];
  /** One per channel, in the network's order. */
  readonly std: readonly number[];
  /** Order of the network's channels. A network of one channel takes brightness, whatever stands here. */
  readonly order: 'rgb' | 'bgr';
  /** What white is before mean and std: 1 or 255. */
  readonly range: 1 | 255;
}

const imagenet: Preprocessing = {
  resize: 256,
  crop: 224,
  interpolation: 'bilinear',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  order: 'rgb',
  range: 1,
};

/**
 * Known ways to prepare images.
 *
 * `imagenet` is that of torchvision, timm and the paper's evaluation; `senet320` the same in the paper's larger size;
 * `inception` has the larger crop and the range -1 to 1 of the Inception networks; `caffe` is that of the authors' own
 * weights; `cifar10` and `cifar100` have the statistics of their training images.
 *
 * @example
 * model.preprocessing = { ...preprocessings.imagenet, interpolation: 'bicubic' };
 */
export const preprocessings = {
  imagenet,
  senet320: { ...imagenet, resize: 366, crop: 320 },
  inception: {
    ...imagenet,
    resize: 352,
    crop: 299,
    interpolation: 'bicubic',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
  caffe: { ...imagenet, mean: [104, 117, 123], std: [1, 1, 1], order: 'bgr', range: 255 },
  cifar10: {
    ...imagenet,
    resize: 32,
    crop: 32,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
  },
  cifar100: {
    ...imagenet,
    resize: 32,
    crop: 32,
    mean: [0.5071, 0.4867, 0.4408],
    std: [0.2675, 0.2565, 0.2761],
  },
} as const satisfies Record<string, Preprocessing>;

/** Height, width and channels of a network's input. */
export type InputShape = readonly [height: number, width: number, channels: number];

/** Longest side that can be asked for. */
const maxSide = 16384;

const keys = ['resize', 'crop', 'interpolation', 'mean', 'std', 'order', 'range'] as const;

export const cropSize = ({ crop }: Preprocessing): readonly [number, number] =>
  typeof crop === 'number' ? [crop, crop] : crop;

const isSide = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxSide;
const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length >= 1 && value.every(Number.isFinite);

/** For each part whether it is right, and what is right. */
const rules: Record<(typeof keys)[number], readonly [(value: unknown) => boolean, string]> = {
  resize: [isSide, `a whole number from 1 to ${maxSide}`],
  crop: [
    (value) => isSide(value) || (Array.isArray(value) && value.length === 2 && value.every(isSide)),
    `a whole number from 1 to ${maxSide} or two of them`,
  ],
  interpolation: [(value) => value === 'bilinear' || value === 'bicubic', `'bilinear' or 'bicubic'`],
  mean: [isNumbers, 'finite numbers, one per channel'],
  std: [(value) => isNumbers(value) && value.every((x) => x > 0), 'positive numbers, one per channel'],
  order: [(value) => value === 'rgb' || value === 'bgr', `'rgb' or 'bgr'`],
  range: [(value) => value === 1 || value === 255, '1 or 255'],
};

/**
 * Checks a preprocessing, on its own; returns a copy.
 *
 * @throws ArgumentError or ArgumentRangeError naming the part that is wrong
 */
export function checkPreprocessing(label: string, value: unknown): Preprocessing {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentError(`${label}: expected { ${keys.join(', ')} }, received ${show(value)}`);
  }
  const given = new Map<string, unknown>(Object.entries(value));
  for (const key of keys) {
    const [isRight, expected] = rules[key];
    const part = given.get(key);
    if (!isRight(part))
      throw new ArgumentRangeError(`${label}: ${key}: expected ${expected}, received ${show(part)}`);
    given.delete(key);
  }
  const [unknown] = given.keys();
  if (unknown !== undefined) {
    throw new ArgumentError(`${label}: expected ${keys.join(', ')}, received '${unknown}'`);
  }
  const checked = value as Preprocessing;
  if (checked.mean.length !== checked.std.length) {
    throw new ArgumentRangeError(
      `${label}: std: expected ${checked.mean.length} numbers as in mean, received ${checked.std.length}`,
    );
  }
  if (checked.resize < Math.min(...cropSize(checked))) {
    throw new ArgumentRangeError(
      `${label}: resize: expected at least the crop's shorter side, ${Math.min(...cropSize(checked))}, received ${checked.resize}`,
    );
  }
  return {
    ...checked,
    crop: typeof checked.crop === 'number' ? checked.crop : [...checked.crop],
    mean: [...checked.mean],
    std: [...checked.std],
  };
}

const show = (value: unknown): string => {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
};

/**
 * Checks a preprocessing against the network that it is for.
 *
 * @throws ShapeError if its crop is not the network's input or it has not a mean for each channel
 */
export function checkForInput(
  label: string,
  value: unknown,
  [height, width, channels]: InputShape,
): Preprocessing {
  const checked = checkPreprocessing(label, value);
  const [cropHeight, cropWidth] = cropSize(checked);
  if (cropHeight !== height || cropWidth !== width) {
    throw new ShapeError(
      `${label}: crop: expected the model's input, ${height}x${width}, received ${cropHeight}x${cropWidth}`,
    );
  }
  if (checked.mean.length !== channels) {
    throw new ShapeError(
      `${label}: mean: expected ${channels} numbers, one per channel of the model's input, received ${checked.mean.length}`,
    );
  }
  return checked;
}

/**
 * A preprocessing for another input: the crop becomes the input, and resizing keeps its proportion to it.
 *
 * @example
 * model.preprocessing = fitPreprocessing(preprocessings.caffe, model.input);
 */
export function fitPreprocessing(
  preprocessing: Preprocessing,
  input: readonly [height: number, width: number, channels: number],
): Preprocessing {
  const [height, width] = input;
  const [cropHeight, cropWidth] = cropSize(preprocessing);
  if (cropHeight === height && cropWidth === width) return preprocessing;
  const share = preprocessing.resize / Math.min(cropHeight, cropWidth);
  return {
    ...preprocessing,
    resize: Math.round(Math.min(height, width) * share),
    crop: height === width ? height : [height, width],
  };
}

/**
 * What a network of the zoo expects unless its weights say otherwise: `inception` for names with it, `cifar10` for
 * inputs of at most 64 pixels, else `imagenet`, each in the size of the input. Inputs of other than three channels have
 * mean and std 0.5, which makes them -1 to 1.
 */
export function defaultPreprocessing(name: string, input: InputShape): Preprocessing {
  const [height, width, channels] = input;
  const small = Math.min(height, width) <= 64;
  const preset = name.includes('inception')
    ? preprocessings.inception
    : small
      ? preprocessings.cifar10
      : preprocessings.imagenet;
  const fitted = fitPreprocessing(preset, input);
  if (channels === 3) return fitted;
  const halves = new Array<number>(channels).fill(0.5);
  return { ...fitted, mean: halves, std: halves };
}

/** Key of a file's metadata that holds the preprocessing, as JSON. */
export const preprocessingKey = 'senet.preprocessing';

/**
 * The preprocessing in a file's metadata, made to fit the input; undefined if the file has none, or one for other
 * channels.
 *
 * @throws FileError if it is damaged
 */
export function storedPreprocessing(
  path: string,
  metadata: ReadonlyMap<string, string>,
  input: InputShape,
): Preprocessing | undefined {
  const text = metadata.get(preprocessingKey);
  if (text === undefined) return undefined;
  try {
    const stored = checkPreprocessing(preprocessingKey, JSON.parse(text));
    return stored.mean.length === input[2] ? fitPreprocessing(stored, input) : undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason = error instanceof SyntaxError ? `${preprocessingKey}: expected JSON` : error.message;
    throw new FileError(path, `metadata: ${reason}`, { cause: error });
  }
}
