/** Profiles as traces that browsers draw. */
import type { StepProfile } from '../program.ts';

/** An event of the Trace Event Format: a step that began and ended. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X';
  /** Microseconds. */
  readonly ts: number;
  /** Microseconds. */
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, string | number>>;
}

/** What {@link profileTrace} returns; to be written as JSON. */
export interface ProfileTrace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
}

/**
 * A profile in the Trace Event Format, which `chrome://tracing` and https://ui.perfetto.dev open: the steps one after the
 * other, each with its op, layer and implementation, the bytes it moves and its floating-point operations.
 *
 * @example
 * await writeFile('trace.json', JSON.stringify(profileTrace(await model.profile())));
 */
export function profileTrace(profile: readonly StepProfile[]): ProfileTrace {
  let ts = 0;
  const traceEvents: TraceEvent[] = [];
  for (const { op, layer, implementation, bytes, flops, ms, constant } of profile) {
    if (constant) continue;
    const dur = 1e3 * ms;
    const args = { op, layer, implementation, bytes, flops };
    const name = layer === '' ? op : layer;
    traceEvents.push({ name, cat: op, ph: 'X', ts, dur, pid: 1, tid: 1, args });
    ts += dur;
  }
  return { traceEvents, displayTimeUnit: 'ms' };
}
