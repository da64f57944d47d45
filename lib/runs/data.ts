/** The data that a configuration names. */
import { type Cifar100Options, cifar10, cifar100 } from '../data/cifar.ts';
import { cifar10Classes, cifar100Classes } from '../data/cifar_classes.ts';
import type { ImageDataset } from '../data/dataset.ts';
import { fashionMnist, fashionMnistClasses } from '../data/fashion_mnist.ts';
import { mnist, mnistClasses } from '../data/mnist.ts';
import { ArgumentError } from '../errors.ts';
import type { datasetNames, RunConfig } from './config.ts';

/** A data set in memory. */
export interface Dataset {
  readonly classes: readonly string[];
  /** Of an image. */
  readonly shape: readonly [height: number, width: number, channels: number];
  load(directory: string | undefined): Promise<{ train: ImageDataset; test: ImageDataset }>;
}

const inDirectory =
  <T>(name: string, read: (options: { directory: string }) => Promise<T>) =>
  (directory: string | undefined): Promise<T> => {
    if (directory === undefined)
      throw new ArgumentError(`data: directory: expected the folder of ${name}'s files, received none`);
    return read({ directory });
  };

export const datasets: Readonly<Record<(typeof datasetNames)[number], Dataset>> = {
  'fashion-mnist': {
    classes: fashionMnistClasses,
    shape: [28, 28, 1],
    load: (directory) => fashionMnist(directory === undefined ? {} : { directory }),
  },
  mnist: { classes: mnistClasses, shape: [28, 28, 1], load: inDirectory('MNIST', mnist) },
  cifar10: { classes: cifar10Classes, shape: [32, 32, 3], load: inDirectory('CIFAR-10', cifar10) },
  cifar100: {
    classes: cifar100Classes,
    shape: [32, 32, 3],
    load: inDirectory('CIFAR-100', (options: Cifar100Options) => cifar100(options)),
  },
};

/** Parts of a data set in memory as a configuration divides it. */
export async function loadDataset(
  { classes, load }: Dataset,
  { directory, validation = 0, limit }: RunConfig['data'],
) {
  const { train: whole, test } = await load(directory);
  const all = limit === undefined ? whole : whole.take(Math.min(limit, whole.size));
  const held = Math.floor(all.size * validation);
  const train = all.subset(0, all.size - held);
  return { classes, train, validation: held === 0 ? test : all.subset(all.size - held, all.size), test };
}
