/** Ctrl-C and kill as a reason to stop a run, for those who ask for it. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Why a run stopped: the process was told to end. */
export class StopSignal {
  readonly signal: (typeof SIGNALS)[number];

  constructor(signal: (typeof SIGNALS)[number]) {
    this.signal = signal;
  }

  /** Ends the process with the exit code that shells know: 130 for SIGINT, 143 for SIGTERM. */
  exit(): never {
    process.exit(128 + constants.signals[this.signal]);
  }
}

/** Listens until it is disposed. The first signal aborts, a second one ends the process at once. */
export class StopSignals {
  readonly #controller = new AbortController();
  readonly #listeners = SIGNALS.map((signal) => {
    const listener = () => {
      const stop = new StopSignal(signal);
      if (this.#controller.signal.aborted) stop.exit();
      this.#controller.abort(stop);
    };
    process.on(signal, listener);
    return { signal, listener };
  });

  /** Aborted with a {@link StopSignal} as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  dispose(): void {
    for (const { signal, listener } of this.#listeners) process.off(signal, listener);
  }
}
