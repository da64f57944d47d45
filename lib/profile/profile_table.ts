/** Profiles as text. */
import { formatTable } from '../figures/format_table.ts';
import type { StepProfile } from '../program.ts';
import { boundOf, leastMs, type Peak } from './peak.ts';

/** Options of {@link formatProfile}. */
export interface FormatProfileOptions {
  /** What the device can do at most, such as {@link measurePeak} finds; without it steps are not compared with it. */
  peak?: Peak;
  /** Steps to list, the slowest first; default 20. */
  top?: number;
}

interface Group {
  readonly name: string;
  readonly steps: readonly StepProfile[];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const totalMs = (steps: readonly StepProfile[]): number => sum(steps.map(({ ms }) => ms));

function byOp(steps: readonly StepProfile[]): Group[] {
  const groups = new Map<string, StepProfile[]>();
  for (const step of steps) groups.set(step.op, [...(groups.get(step.op) ?? []), step]);
  return [...groups]
    .map(([name, members]) => ({ name, steps: members }))
    .sort((a, b) => totalMs(b.steps) - totalMs(a.steps));
}

/** Time, its share of the whole, rates, and how near to the roof of the device that is. */
function numbersOf(steps: readonly StepProfile[], whole: number, peak: Peak | undefined): string[] {
  const ms = totalMs(steps);
  const rate = (amount: number) => (ms === 0 || amount === 0 ? '' : (amount / ms / 1e6).toFixed(1));
  const [bytes, flops] = [sum(steps.map((step) => step.bytes)), sum(steps.map((step) => step.flops))];
  const percent = (part: number, of: number) => (of === 0 ? '' : `${((100 * part) / of).toFixed(1)} %`);
  const least = peak && sum(steps.map((step) => leastMs(step, peak)));
  return [
    ms.toFixed(3),
    percent(ms, whole),
    rate(flops),
    rate(bytes),
    ...(least === undefined ? [] : [percent(least, ms)]),
  ];
}

/**
 * A profile as two tables: time by op, and the slowest steps. Both have milliseconds, their share of the whole, GFLOP/s and
 * GB/s; with a peak also how much of the time the device would need at least, and for each step what bounds it.
 *
 * @example
 * const peak = await measurePeak();
 * console.log(formatProfile(await model.profile({ batchSize: 16 }), { peak }));
 */
export function formatProfile(profile: readonly StepProfile[], options: FormatProfileOptions = {}): string {
  const { peak, top = 20 } = options;
  const steps = profile.filter(({ constant }) => !constant);
  const whole = totalMs(steps);
  const heads = ['ms', 'share', 'GFLOP/s', 'GB/s', ...(peak === undefined ? [] : ['of roof'])];
  const groups = [...byOp(steps), { name: 'all', steps }];
  const ops = groups.map(({ name, steps: members }) => [
    name,
    String(members.length),
    ...numbersOf(members, whole, peak),
  ]);
  const slowest = steps
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, top)
    .map((step) => [
      step.layer,
      step.op,
      ...numbersOf([step], whole, peak),
      ...(peak === undefined ? [] : [boundOf(step, peak)]),
      step.implementation,
    ]);
  const bound = peak === undefined ? [] : ['bound'];
  return [
    formatTable([['op', 'steps', ...heads], ...ops]),
    formatTable([['slowest steps', 'op', ...heads, ...bound, 'implementation'], ...slowest]),
  ].join('\n\n');
}
