import type { Callback } from './callbacks.ts';
import { checkNumber, checkOptions, checkWhole } from './check.ts';
import { checkMonitor, isBetter, type Monitor, monitored } from './monitor.ts';

/** Options of {@link earlyStopping}. */
export interface EarlyStoppingOptions {
  /** What has to get better; default `'validation.loss'`. */
  monitor?: Monitor;
  /** Epochs without a better value after which the run ends; default 10. */
  patience?: number;
  /** How much better a value must be to count; default 0. */
  delta?: number;
}

/**
 * Ends a run that no longer gets better. What it has seen is kept in checkpoints, so that a run that is resumed ends where it
 * would have ended.
 *
 * @example
 * await model.fit(train, { epochs: 200, validation, callbacks: [earlyStopping({ monitor: 'validation.top1' })] });
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  checkOptions('earlyStopping', options, ['monitor', 'patience', 'delta']);
  const monitor = checkMonitor('earlyStopping: monitor', options.monitor ?? 'validation.loss');
  const patience = checkWhole('earlyStopping: patience', options.patience ?? 10, 1);
  const delta = checkNumber('earlyStopping: delta', options.delta ?? 0, { least: 0 });
  let best: number | undefined;
  let waited = 0;
  return {
    name: 'earlyStopping',
    onTrainBegin({ resumed }) {
      if (resumed !== undefined) return;
      best = undefined;
      waited = 0;
    },
    onEpochEnd(logs) {
      const value = monitored(monitor, logs);
      if (isBetter(monitor, value, best, delta)) {
        best = value;
        waited = 0;
      } else {
        waited += 1;
      }
      return waited >= patience ? 'stop' : undefined;
    },
    saveState: () => ({ best: best ?? null, waited }),
    loadState(state) {
      const saved = state as { best: number | null; waited: number };
      best = saved.best ?? undefined;
      waited = saved.waited;
    },
  };
}
