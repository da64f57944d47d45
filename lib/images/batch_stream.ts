/** Batches that are prepared ahead of the one that is asked for. */
import type { Batch } from '../data/dataset.ts';

/** How one batch is made. */
export interface BatchWork {
  /** Number of samples. */
  readonly size: number;
  /** Prepares one sample. */
  prepare(slot: number): Promise<void>;
  /** Called once all samples are prepared. */
  finish(): Batch;
}

interface OpenBatch {
  readonly work: BatchWork;
  /** Samples that are not prepared. */
  left: number;
  /** Undefined if the walk ended before. */
  readonly ready: Promise<Batch | undefined>;
  readonly resolve: (batch: Batch | undefined) => void;
  readonly reject: (error: unknown) => void;
}

function openBatch(work: BatchWork): OpenBatch {
  let resolve: OpenBatch['resolve'] = () => undefined;
  let reject: OpenBatch['reject'] = () => undefined;
  const ready = new Promise<Batch | undefined>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whether it fails is seen when its turn comes.
  ready.catch(() => undefined);
  return { work, left: work.size, ready, resolve, reject };
}

/**
 * A walk over batches whose samples are prepared several at once, in order, across the ends of batches. Work starts with
 * the first batch that is asked for, and stays at most `ahead` batches before the ones asked for. `return` stops it: no
 * sample is begun any more, and it resolves once those begun are done.
 */
export class BatchStream implements AsyncIterableIterator<Batch> {
  readonly #count: number;
  readonly #workOf: (batch: number) => BatchWork;
  readonly #ahead: number;
  readonly #atOnce: number;
  readonly #open = new Map<number, OpenBatch>();
  /** The sample to begin next. */
  #batch = 0;
  #slot = 0;
  /** Batches that were asked for. */
  #asked = 0;
  #running = 0;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(
    count: number,
    workOf: (batch: number) => BatchWork,
    { ahead, atOnce }: { ahead: number; atOnce: number },
  ) {
    this.#count = count;
    this.#workOf = workOf;
    this.#ahead = ahead;
    this.#atOnce = atOnce;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#stopped || this.#asked >= this.#count) return { done: true, value: undefined };
    const index = this.#asked;
    this.#asked += 1;
    const open = this.#at(index);
    this.#fill();
    try {
      const batch = await open.ready;
      return batch === undefined ? { done: true, value: undefined } : { done: false, value: batch };
    } catch (error) {
      await this.return();
      throw error;
    } finally {
      this.#open.delete(index);
    }
  }

  async return(): Promise<IteratorResult<Batch, undefined>> {
    this.#stopped = true;
    for (const { resolve } of this.#open.values()) resolve(undefined);
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    return { done: true, value: undefined };
  }

  #at(index: number): OpenBatch {
    const open = this.#open.get(index) ?? openBatch(this.#workOf(index));
    this.#open.set(index, open);
    return open;
  }

  /** Begins samples while there is room. */
  #fill(): void {
    const end = Math.min(this.#count, this.#asked + this.#ahead);
    while (!this.#stopped && this.#running < this.#atOnce && this.#batch < end) {
      const open = this.#at(this.#batch);
      const slot = this.#slot;
      this.#slot += 1;
      if (this.#slot === open.work.size) {
        this.#batch += 1;
        this.#slot = 0;
      }
      this.#running += 1;
      void this.#prepare(open, slot);
    }
  }

  async #prepare(open: OpenBatch, slot: number): Promise<void> {
    try {
      await open.work.prepare(slot);
      open.left -= 1;
      if (open.left === 0) open.resolve(open.work.finish());
    } catch (error) {
      open.reject(error);
    }
    this.#running -= 1;
    this.#fill();
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
