/** Where a run is between two steps, as a checkpoint keeps it beside the tensors. */
import * as v from 'valibot';
import { FileError } from '../errors.ts';
import type { EpochLogs, Json, MetricSums } from './callbacks.ts';

/** Everything but tensors that a run needs to go on. */
export interface RunState {
  /** Seed of the model, which decides order, augmentation and dropout. */
  readonly seed: number;
  /** Optimizer steps that the model has done. */
  readonly modelStep: number;
  readonly batchSize: number;
  readonly shuffle: boolean;
  /** Batches that make an optimizer step, and how many wait for others to make one with. */
  readonly accumulate: number;
  readonly accumulated: number;
  /** The running epoch, from 0, and how many of its steps are done. */
  readonly epoch: number;
  readonly step: number;
  /** Sums over the running epoch. */
  readonly sums: MetricSums;
  /** Seconds that the running epoch has taken. */
  readonly seconds: number;
  /** Learning rate of the last step. */
  readonly lr: number;
  /** Whether a callback has ended the run. */
  readonly stopped: boolean;
  /** The epochs that are done. */
  readonly epochs: readonly EpochLogs[];
  /** Best value of the monitored metric. */
  readonly best: number | undefined;
  /** States of the schedule and of callbacks by name. */
  readonly schedule: Json;
  readonly callbacks: Readonly<Record<string, Json>>;
}

const VERSION = 1;

/** JSON has no words for what is no finite number. */
const number = v.union([
  v.number(),
  v.pipe(
    v.picklist(['NaN', 'Infinity', '-Infinity']),
    v.transform((text) => Number(text)),
  ),
]);
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const metrics = v.object({ loss: number, top1: number, top5: number });
const json = v.custom<Json>((value) => value !== undefined);

const schema = v.object({
  version: v.literal(VERSION),
  seed: whole,
  modelStep: whole,
  batchSize: whole,
  shuffle: v.boolean(),
  accumulate: whole,
  accumulated: whole,
  epoch: whole,
  step: whole,
  sums: v.object({ loss: number, top1: number, top5: number, samples: whole }),
  seconds: number,
  lr: number,
  stopped: v.boolean(),
  epochs: v.array(
    v.object({
      ...metrics.entries,
      epoch: whole,
      epochs: whole,
      validation: v.exactOptional(metrics),
      lr: number,
      seconds: number,
      samplesPerSecond: number,
    }),
  ),
  best: v.exactOptional(number),
  schedule: json,
  callbacks: v.record(v.string(), json),
});

export function formatRunState(state: RunState): string {
  return JSON.stringify({ version: VERSION, ...state }, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

/** @throws FileError naming the field that is not as it should be */
export function parseRunState(text: string, path: string): RunState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FileError(path, 'state of the run: expected JSON', { cause: error });
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new FileError(path, `state of the run: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  const { version: _, best, epochs, ...state } = parsed.output;
  return {
    ...state,
    best,
    epochs: epochs.map(({ validation, ...logs }) => ({ ...logs, validation })),
  };
}
