/** Learning-rate schedules: functions of the time in epochs, fractions included where the data's length is known. */
import { ArgumentRangeError } from '../errors.ts';
import type { Json } from './callbacks.ts';
import { checkNumber, checkOptions, checkWhole } from './check.ts';

/** Where in the run a step lies. */
export interface Moment {
  /** Epochs done, with the fraction of the running one where its length is known. */
  readonly epoch: number;
  /** Epochs of the whole run. */
  readonly epochs: number;
}

/** A schedule in use by one run. */
export interface RunningSchedule {
  /** Learning rate of the step that starts now. */
  at(moment: Moment): number;
  /** Told the monitored loss (validation if there is any, else training) at the end of each epoch. */
  epochEnd?(loss: number): void;
  /** What a checkpoint keeps, where the rate depends on more than the moment. */
  saveState?(): Json;
  /** Gets back what `saveState` gave. */
  loadState?(state: Json): void;
}

/** A learning-rate schedule; each `fit` starts it anew. */
export interface Schedule {
  start(): RunningSchedule;
}

/** What most schedules take. */
export interface Warmup {
  /** Peak learning rate. */
  lr: number;
  /** Epochs over which the rate first grows linearly from `lr / 100`; default 0. */
  warmupEpochs?: number;
}

const checkPeak = (name: string, lr: unknown): number => checkNumber(`${name}: lr`, lr, { least: 0 });

/** Puts a linear warm-up before a schedule. */
function withWarmup(name: string, options: Warmup, schedule: (moment: Moment) => number): Schedule {
  const warmup = checkNumber(`${name}: warmupEpochs`, options.warmupEpochs ?? 0, { least: 0 });
  const at = (moment: Moment) => {
    if (moment.epoch >= warmup) return schedule(moment);
    return options.lr * (0.01 + 0.99 * (moment.epoch / warmup));
  };
  return { start: () => ({ at }) };
}

/** The same learning rate throughout. */
function constant(options: Warmup): Schedule {
  checkOptions('constant', options, ['lr', 'warmupEpochs']);
  const lr = checkPeak('constant', options.lr);
  return withWarmup('constant', options, () => lr);
}

/**
 * Multiplies the rate by `factor` (default 0.1) at each milestone. The paper: `{ lr: 0.6, every: 30 }`.
 *
 * @param options.every Epochs between milestones; or
 * @param options.milestones the epochs themselves, ascending.
 */
function steps(
  options: Warmup & { every?: number; milestones?: readonly number[]; factor?: number },
): Schedule {
  checkOptions('steps', options, ['lr', 'warmupEpochs', 'every', 'milestones', 'factor']);
  const lr = checkPeak('steps', options.lr);
  const factor = checkNumber('steps: factor', options.factor ?? 0.1, { above: 0, most: 1 });
  const { milestones, every } = options;
  if ((milestones === undefined) === (every === undefined)) {
    throw new ArgumentRangeError('steps: expected either every or milestones, received both or neither');
  }
  if (every !== undefined) checkNumber('steps: every', every, { above: 0 });
  milestones?.forEach((epoch, i) => {
    checkNumber(`steps: milestones[${i}]`, epoch, { least: 0, ...(i > 0 && { above: milestones[i - 1]! }) });
  });
  const passed = (epoch: number) =>
    every === undefined ? milestones!.filter((m) => m <= epoch).length : Math.floor(epoch / every);
  return withWarmup('steps', options, ({ epoch }) => lr * factor ** passed(epoch));
}

/** Half a cosine from `lr` after the warm-up down to `finalLr` (default 0) at the end of the run. */
function cosine(options: Warmup & { finalLr?: number }): Schedule {
  checkOptions('cosine', options, ['lr', 'warmupEpochs', 'finalLr']);
  const lr = checkPeak('cosine', options.lr);
  const final = checkNumber('cosine: finalLr', options.finalLr ?? 0, { least: 0 });
  const warmup = options.warmupEpochs ?? 0;
  return withWarmup('cosine', options, ({ epoch, epochs }) => {
    const share = Math.min(1, (epoch - warmup) / Math.max(epochs - warmup, Number.MIN_VALUE));
    return final + (lr - final) * 0.5 * (1 + Math.cos(Math.PI * share));
  });
}

/**
 * Multiplies the rate by `factor` (default 0.1) when the loss has not fallen by more than `threshold` (relative,
 * default 1e-4) for `patience` epochs (default 10), down to `minLr` (default 0).
 */
function reduceOnPlateau(options: {
  lr: number;
  factor?: number;
  patience?: number;
  threshold?: number;
  minLr?: number;
}): Schedule {
  checkOptions('reduceOnPlateau', options, ['lr', 'factor', 'patience', 'threshold', 'minLr']);
  const peak = checkPeak('reduceOnPlateau', options.lr);
  const factor = checkNumber('reduceOnPlateau: factor', options.factor ?? 0.1, { above: 0, below: 1 });
  const patience = checkWhole('reduceOnPlateau: patience', options.patience ?? 10, 0);
  const threshold = checkNumber('reduceOnPlateau: threshold', options.threshold ?? 1e-4, { least: 0 });
  const minLr = checkNumber('reduceOnPlateau: minLr', options.minLr ?? 0, { least: 0 });
  const start = (): RunningSchedule => {
    let lr = peak;
    let best = Infinity;
    let waited = 0;
    return {
      at: () => lr,
      epochEnd(loss) {
        waited = loss < best * (1 - threshold) ? 0 : waited + 1;
        best = Math.min(best, loss);
        if (waited > patience) {
          lr = Math.max(lr * factor, minLr);
          waited = 0;
        }
      },
      // JSON has no Infinity.
      saveState: () => ({ lr, best: best === Infinity ? null : best, waited }),
      loadState(state) {
        const saved = state as { lr: number; best: number | null; waited: number };
        lr = saved.lr;
        best = saved.best ?? Infinity;
        waited = saved.waited;
      },
    };
  };
  return { start };
}

/**
 * Learning-rate schedules.
 *
 * @example
 * schedules.cosine({ lr: 0.1, warmupEpochs: 1 })
 */
export const schedules = { constant, steps, cosine, reduceOnPlateau } as const;
