import { requirePath } from '../io/regular_file.ts';
import { requireFlag, requireOptions } from './check.ts';
import type { ImageDataset } from './dataset.ts';
import { readMnistFiles } from './mnist_files.ts';

/** What the ten labels of Fashion-MNIST mean, by class index. */
export const fashionMnistClasses = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const;

/** Options of {@link fashionMnist}. */
export interface FashionMnistOptions {
  /**
   * Folder with the four IDX files; default the environment variable `SENET_FASHION_MNIST`, then
   * `/usr/share/datasets/fashion-mnist`.
   */
  readonly directory?: string;
  /**
   * Shift and scale the pixels, divided by 255, to mean 0 and standard deviation 1 over the training images (0.2860
   * and 0.3530); default true. False leaves them in [0, 1].
   */
  readonly normalize?: boolean;
}

const packageDirectory = '/usr/share/datasets/fashion-mnist';

/**
 * Reads Fashion-MNIST: 60,000 training and 10,000 test images `[28, 28, 1]` of ten kinds of clothes, from the Debian
 * package dataset-fashion-mnist or any folder with the four IDX files (`train-images-idx3-ubyte` and so on, also
 * with a dot before `idx`, with or without `.gz`). Other relatives with ten classes can be read the same way.
 *
 * @throws FileError naming the missing files and where to get them, or the damaged file and record
 * @example
 * const { train, test } = await fashionMnist();
 */
export async function fashionMnist(
  options: FashionMnistOptions = {},
): Promise<{ train: ImageDataset; test: ImageDataset }> {
  requireOptions('fashionMnist', options);
  const { normalize = true } = options;
  requireFlag('fashionMnist: normalize', normalize);
  const directory = options.directory ?? (process.env['SENET_FASHION_MNIST'] || packageDirectory);
  requirePath('fashionMnist: directory', directory);
  const classes = fashionMnistClasses.length;
  return readMnistFiles(directory, {
    name: 'Fashion-MNIST',
    classes,
    ...(normalize && { mean: 0.286, std: 0.353 }),
    advice:
      'On Debian and Ubuntu: apt install dataset-fashion-mnist. Elsewhere: put the four files, published by Zalando ' +
      'Research at https://github.com/zalandoresearch/fashion-mnist (data/fashion), into a folder and name it by ' +
      '{ directory } or the environment variable SENET_FASHION_MNIST.',
  });
}
