/** The four IDX files of MNIST and its relatives. */
import { join } from 'node:path';
import { FileError } from '../errors.ts';
import { firstExisting } from '../io/first_existing.ts';
import type { ImageDataset } from './dataset.ts';
import { type IdxDatasetOptions, readIdxDataset } from './idx_dataset.ts';

/** Which relative it is. */
export interface MnistKind extends IdxDatasetOptions {
  /** Its name in errors. */
  readonly name: string;
  /** Where the files can be had. */
  readonly advice: string;
}

/**
 * Reads `train-images-idx3-ubyte` and so on, also with a dot before `idx`, with or without `.gz`.
 *
 * @throws FileError naming the missing files and where to get them, or the damaged file and record
 */
export async function readMnistFiles(
  directory: string,
  kind: MnistKind,
): Promise<{ train: ImageDataset; test: ImageDataset }> {
  const [trainImages, trainLabels, testImages, testLabels] = await findFiles(directory, kind);
  const train = await readIdxDataset(trainImages, trainLabels, kind);
  const test = await readIdxDataset(testImages, testLabels, kind);
  if (train.shape.join() !== test.shape.join()) {
    throw new FileError(
      testImages,
      `expected images of [${train.shape}] as in ${trainImages}, received [${test.shape}]`,
    );
  }
  return { train, test };
}

type FourPaths = [string, string, string, string];

/** The four files in any of their spellings. */
async function findFiles(directory: string, { name: kind, advice }: MnistKind): Promise<FourPaths> {
  const kinds = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'] as const;
  const names = kinds.map((kind) => `${kind}-ubyte`);
  const paths: string[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const spellings = [name, name.replace('-idx', '.idx')].flatMap((spelling) => [
      spelling,
      `${spelling}.gz`,
    ]);
    const found = await firstExisting(spellings.map((spelling) => join(directory, spelling)));
    if (found === undefined) missing.push(name);
    else paths.push(found);
  }
  const [trainImages, trainLabels, testImages, testLabels] = paths;
  if (
    trainImages === undefined ||
    trainLabels === undefined ||
    testImages === undefined ||
    testLabels === undefined
  ) {
    throw new FileError(
      directory,
      `expected the ${kind} files ${names.join(', ')} (each may end in .gz), missing ${missing.join(', ')}. ${advice}`,
    );
  }
  return [trainImages, trainLabels, testImages, testLabels];
}
