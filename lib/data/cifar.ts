/** CIFAR-10 and CIFAR-100 in their binary version. */
import { join } from 'node:path';
import { ArgumentRangeError, FileError } from '../errors.ts';
import { firstExisting } from '../io/first_existing.ts';
import { RegularFile, requirePath } from '../io/regular_file.ts';
import { requireFlag, requireOptions } from './check.ts';
import { cifar10Classes, cifar100Classes, cifar100CoarseClasses } from './cifar_classes.ts';
import { ImageDataset } from './dataset.ts';

/** Options of {@link cifar10}. */
export interface Cifar10Options {
  /** Folder with the binary files, or one that holds the archive's folder `cifar-10-batches-bin`. */
  readonly directory: string;
  /**
   * Shift and scale each channel, divided by 255, to mean 0 and standard deviation 1 over the training images; default
   * true. False leaves them in [0, 1].
   */
  readonly normalize?: boolean;
}

/** Options of {@link cifar100}. */
export interface Cifar100Options {
  /** Folder with the binary files, or one that holds the archive's folder `cifar-100-binary`. */
  readonly directory: string;
  /** The 100 classes or the 20 groups that they belong to; default `'fine'`. */
  readonly labels?: 'fine' | 'coarse';
  /**
   * Shift and scale each channel, divided by 255, to mean 0 and standard deviation 1 over the training images; default
   * true. False leaves them in [0, 1].
   */
  readonly normalize?: boolean;
}

/** How a version is stored: each record has a byte for each label, then the image's channels one after another. */
interface CifarKind {
  readonly name: string;
  /** Folder in the published archive. */
  readonly folder: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Number of classes of each label of a record. */
  readonly labels: readonly number[];
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const kind10: CifarKind = {
  name: 'CIFAR-10',
  folder: 'cifar-10-batches-bin',
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  test: ['test_batch.bin'],
  labels: [cifar10Classes.length],
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
};

const kind100: CifarKind = {
  name: 'CIFAR-100',
  folder: 'cifar-100-binary',
  train: ['train.bin'],
  test: ['test.bin'],
  labels: [cifar100CoarseClasses.length, cifar100Classes.length],
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

const side = 32;
const plane = side * side;
const pixels = 3 * plane;
/** No file of the published ones comes near it. */
const mostBytes = 2 ** 30;

/**
 * Reads CIFAR-10: 50,000 training and 10,000 test images `[32, 32, 3]` of ten classes, from the files of its binary
 * version, `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
 *
 * @throws FileError naming the missing files and where to get them, or the damaged file and record
 * @example
 * const { train, test } = await cifar10({ directory: 'cifar-10-batches-bin' });
 * await model.fit(train.augmented({ flip: true, crop: 4 }), { epochs: 160, validation: test });
 */
export async function cifar10(options: Cifar10Options): Promise<{ train: ImageDataset; test: ImageDataset }> {
  requireOptions('cifar10', options);
  const { directory, normalize = true } = options;
  requirePath('cifar10: directory', directory);
  requireFlag('cifar10: normalize', normalize);
  return readCifar(kind10, directory, 0, normalize);
}

/**
 * Reads CIFAR-100: 50,000 training and 10,000 test images `[32, 32, 3]` of 100 classes, or of the 20 groups that these
 * belong to, from the files of its binary version, `train.bin` and `test.bin`.
 *
 * @throws FileError naming the missing files and where to get them, or the damaged file and record
 * @example
 * const { train, test } = await cifar100({ directory: 'cifar-100-binary', labels: 'coarse' });
 */
export async function cifar100(
  options: Cifar100Options,
): Promise<{ train: ImageDataset; test: ImageDataset }> {
  requireOptions('cifar100', options);
  const { directory, labels = 'fine', normalize = true } = options;
  requirePath('cifar100: directory', directory);
  requireFlag('cifar100: normalize', normalize);
  if (labels !== 'fine' && labels !== 'coarse') {
    throw new ArgumentRangeError(`cifar100: labels: expected 'fine' or 'coarse', received ${String(labels)}`);
  }
  return readCifar(kind100, directory, labels === 'coarse' ? 0 : 1, normalize);
}

/** @param label which of a record's labels is the class */
async function readCifar(kind: CifarKind, directory: string, label: number, normalize: boolean) {
  const folder = await findFolder(kind, directory);
  const read = async (files: readonly string[]) => {
    const parts: Records[] = [];
    for (const file of files) parts.push(await readRecords(kind, join(folder, file), label));
    return new ImageDataset({
      images: concatenated(parts.map(({ images }) => images)),
      labels: concatenated(parts.map(({ labels }) => labels)),
      shape: [side, side, 3],
      classes: kind.labels[label]!,
      ...(normalize && { mean: kind.mean, std: kind.std }),
    });
  };
  return { train: await read(kind.train), test: await read(kind.test) };
}

/** The folder that has all the files. */
async function findFolder({ name, folder, train, test }: CifarKind, directory: string): Promise<string> {
  const files = [...train, ...test];
  const inner = join(directory, folder);
  const found =
    (await firstExisting(files.map((file) => join(inner, file)))) === undefined ? directory : inner;
  const missing: string[] = [];
  for (const file of files) if ((await firstExisting([join(found, file)])) === undefined) missing.push(file);
  if (missing.length === 0) return found;
  throw new FileError(
    directory,
    `expected the files of the binary version of ${name}, ${files.join(', ')}, missing ${missing.join(', ')}. They are ` +
      'in the archive "binary version (suitable for C programs)" at https://www.cs.toronto.edu/~kriz/cifar.html; unpack ' +
      'it and name its folder by { directory }.',
  );
}

interface Records {
  /** `[records, 32, 32, 3]` */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

async function readRecords(kind: CifarKind, path: string, label: number): Promise<Records> {
  const bytes = await readWhole(path);
  const recordBytes = kind.labels.length + pixels;
  const count = bytes.length / recordBytes;
  if (count < 1 || !Number.isInteger(count)) {
    throw new FileError(
      path,
      `expected records of ${recordBytes} bytes, received ${bytes.length} bytes, which end in record ${Math.floor(count)}`,
    );
  }
  const images = new Uint8Array(count * pixels);
  const labels = new Uint8Array(count);
  for (let record = 0; record < count; record++) {
    const start = record * recordBytes;
    for (const [i, classes] of kind.labels.entries()) {
      if (bytes[start + i]! >= classes) {
        throw new FileError(
          path,
          `record ${record}: expected a label from 0 to ${classes - 1}, received ${bytes[start + i]}`,
        );
      }
    }
    labels[record] = bytes[start + label]!;
    interleave(bytes, start + kind.labels.length, images, record * pixels);
  }
  return { images, labels };
}

async function readWhole(path: string): Promise<Uint8Array> {
  const file = await RegularFile.open(path);
  try {
    if (file.size > mostBytes) {
      throw new FileError(path, `expected at most ${mostBytes} bytes, the file has ${file.size}`);
    }
    const bytes = new Uint8Array(file.size);
    await file.read(bytes, 0);
    await file.requireUnchanged();
    return bytes;
  } finally {
    await file.close();
  }
}

/** Turns three planes into pixels of three channels. */
function interleave(from: Uint8Array, start: number, to: Uint8Array, offset: number): void {
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < 3; c++) to[offset + 3 * i + c] = from[start + c * plane + i]!;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
