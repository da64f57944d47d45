/** The metric of an epoch that decides something: which weights are the best, when to stop. */

import { ArgumentError } from '../errors.ts';
import type { EpochLogs, Metrics } from './callbacks.ts';
import { checkChoice } from './check.ts';

/** A metric of {@link EpochLogs} by its path. */
export type Monitor = keyof Metrics | `validation.${keyof Metrics}`;

export const monitors: readonly Monitor[] = [
  'loss',
  'top1',
  'top5',
  'validation.loss',
  'validation.top1',
  'validation.top5',
];

export const checkMonitor = (name: string, value: unknown): Monitor => checkChoice(name, value, monitors);

/** The value that is monitored. */
export function monitored(monitor: Monitor, logs: EpochLogs): number {
  const [first, second] = monitor.split('.') as [keyof Metrics | 'validation', keyof Metrics | undefined];
  if (second === undefined) return logs[first as keyof Metrics];
  if (logs.validation === undefined)
    throw new ArgumentError(`${monitor}: expected validation data to be given to fit, received none`);
  return logs.validation[second];
}

/** Whether a value is better by more than `delta` than the best so far; one that is no number never is. */
export function isBetter(monitor: Monitor, value: number, best: number | undefined, delta = 0): boolean {
  if (Number.isNaN(value)) return false;
  if (best === undefined) return true;
  return monitor.endsWith('loss') ? value < best - delta : value > best + delta;
}
