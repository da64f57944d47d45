import { requirePath } from '../io/regular_file.ts';
import { requireFlag, requireOptions } from './check.ts';
import type { ImageDataset } from './dataset.ts';
import { readMnistFiles } from './mnist_files.ts';

/** What the ten labels of MNIST mean, by class index. */
export const mnistClasses = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

/** Options of {@link mnist}. */
export interface MnistOptions {
  /** Folder with the four IDX files. */
  readonly directory: string;
  /**
   * Shift and scale the pixels, divided by 255, to mean 0 and standard deviation 1 over the training images (0.1307
   * and 0.3081); default true. False leaves them in [0, 1].
   */
  readonly normalize?: boolean;
}

/**
 * Reads MNIST: 60,000 training and 10,000 test images `[28, 28, 1]` of handwritten digits, from a folder with the four
 * IDX files (`train-images-idx3-ubyte` and so on, also with a dot before `idx`, with or without `.gz`).
 *
 * @throws FileError naming the missing files and where to get them, or the damaged file and record
 * @example
 * const { train, test } = await mnist({ directory: 'data/mnist' });
 */
export async function mnist(options: MnistOptions): Promise<{ train: ImageDataset; test: ImageDataset }> {
  requireOptions('mnist', options);
  const { directory, normalize = true } = options;
  requirePath('mnist: directory', directory);
  requireFlag('mnist: normalize', normalize);
  return readMnistFiles(directory, {
    name: 'MNIST',
    classes: mnistClasses.length,
    ...(normalize && { mean: 0.1307, std: 0.3081 }),
    advice:
      'The four files are those of http://yann.lecun.com/exdb/mnist, which ' +
      'https://ossci-datasets.s3.amazonaws.com/mnist holds, too; put them into a folder and name it by { directory }.',
  });
}
