/** Batches of one epoch, drawn one by one. */
import type { Batch, BatchOptions } from '../data/dataset.ts';
import { type BatchSource, isProvider, openBatches } from '../data/source.ts';
import { StateError } from '../errors.ts';

/** The promise, or a rejection with the signal's reason as soon as it is aborted. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export interface FeedOptions extends BatchOptions {
  readonly epoch: number;
  /** Batches that an earlier run had already. */
  readonly skip: number;
  readonly signal: AbortSignal | undefined;
}

export class Feed {
  readonly #iterator: Iterator<Batch> | AsyncIterator<Batch>;
  readonly #signal: AbortSignal | undefined;
  #done = false;

  private constructor(iterator: Iterator<Batch> | AsyncIterator<Batch>, signal: AbortSignal | undefined) {
    this.#iterator = iterator;
    this.#signal = signal;
  }

  /** Starts an epoch. A provider leaves out what is skipped; from other sources it is drawn and dropped. */
  static async open(data: BatchSource, { signal, skip, ...options }: FeedOptions): Promise<Feed> {
    const leavesOut = isProvider(data);
    const opened = openBatches('fit: data', data, { ...options, ...(leavesOut && { skip }) });
    const feed = new Feed(await abortable(opened, signal), signal);
    try {
      if (!leavesOut) await feed.#drop(skip, options.epoch);
      return feed;
    } catch (error) {
      feed.close();
      throw error;
    }
  }

  async #drop(count: number, epoch: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const { done } = await this.next();
      if (done !== true) continue;
      throw new StateError(
        `fit: data: expected at least ${count} batches in epoch ${epoch}, as in the run before, received ${i}`,
      );
    }
  }

  async next(): Promise<IteratorResult<unknown>> {
    const result = await abortable(
      Promise.resolve().then(() => this.#iterator.next()),
      this.#signal,
    );
    if (result.done === true) this.#done = true;
    return result;
  }

  /** Lets the source free what it holds; not awaited for a source that may never answer. */
  close(): void {
    if (this.#done) return;
    Promise.resolve()
      .then(() => this.#iterator.return?.())
      .catch(() => undefined);
  }
}
