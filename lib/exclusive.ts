import { BusyError } from './errors.ts';

/** One at a time of what would mix its changes to the weights with those of its like. */
export class Exclusive {
  #running: string | undefined;

  /** @throws BusyError while another one runs */
  async run<T>(verb: string, action: () => Promise<T>): Promise<T> {
    if (this.#running !== undefined)
      throw new BusyError(`${verb}: ${this.#running} is still running on this model`);
    this.#running = verb;
    try {
      return await action();
    } finally {
      this.#running = undefined;
    }
  }
}
