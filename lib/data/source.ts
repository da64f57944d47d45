/** Where batches come from: datasets, iterables, functions that make an iterable for each epoch. */
import { ArgumentError } from '../errors.ts';
import type { Batch } from './batch.ts';
import type { BatchOptions } from './dataset.ts';

/** Anything that walks over batches. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** Something that hands out its samples in batches, such as an `ImageDataset`. */
export interface BatchProvider {
  /** Number of samples. */
  readonly size: number;
  /**
   * The batches of an epoch, by all of the options: `fit` relies on the same ones for the same seed and epoch, and on those
   * that `skip` names being left out, when it goes on with a run.
   */
  batches(options: BatchOptions): Batches;
}

/**
 * Data for training or evaluation: a provider, an iterable of batches (which must be able to start anew for each
 * epoch, as an array can and a generator can not), or a function that returns the batches of an epoch. A batch is
 * copied before the next one is asked for, so its arrays may be filled again for that.
 */
export type BatchSource = BatchProvider | Batches | ((epoch: number) => Batches | Promise<Batches>);

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isBatches = (value: unknown): value is Batches =>
  isObject(value) && (Symbol.iterator in value || Symbol.asyncIterator in value);
export const isProvider = (value: unknown): value is BatchProvider =>
  isObject(value) && 'batches' in value && typeof value.batches === 'function';

/** Starts a walk over one epoch. */
export async function openBatches(
  name: string,
  source: BatchSource,
  options: BatchOptions & { epoch: number },
): Promise<Iterator<Batch> | AsyncIterator<Batch>> {
  if (isProvider(source)) return iteratorOf(name, source.batches(options));
  if (typeof source === 'function') return iteratorOf(name, await source(options.epoch));
  return iteratorOf(name, source);
}

function iteratorOf(name: string, batches: Batches): Iterator<Batch> | AsyncIterator<Batch> {
  if (!isBatches(batches)) {
    throw new ArgumentError(
      `${name}: expected a dataset, an iterable of batches or a function that returns one`,
    );
  }
  return Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
}

/** Checks the source's kind at once, before anything long starts. */
export function checkSource(name: string, source: unknown): asserts source is BatchSource {
  if (isProvider(source) || isBatches(source) || typeof source === 'function') return;
  throw new ArgumentError(
    `${name}: expected a dataset, an iterable of batches or a function that returns one`,
  );
}
