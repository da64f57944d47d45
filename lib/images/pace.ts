/** Keeps the event loop free during work on the JavaScript thread. */
import { setImmediate } from 'node:timers/promises';

/** Milliseconds after which others have their turn. */
const slice = 4;

/** Work in slices: {@link pause} lets the event loop turn when a slice is over. */
export class Pace {
  #start = performance.now();

  /** Undefined while the slice lasts, so that a loop need not wait for nothing. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#start < slice ? undefined : this.#turn();
  }

  async #turn(): Promise<void> {
    await setImmediate();
    this.#start = performance.now();
  }
}

/** Does something with each item, so many at once; results are in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  most: number,
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next;
      next += 1;
      try {
        results[index] = await action(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}
