/** Gates of SE blocks over data, by class: what section 7 of the paper looks at. */
import type { Batch } from './data/dataset.ts';
import { type BatchSource, openBatches } from './data/source.ts';
import { ArgumentError, StateError, UnsupportedError } from './errors.ts';
import type { GatedBlock } from './graph/excitation_graph.ts';
import { checkOptions, checkSignal, checkWhole } from './train/check.ts';
import { overlap, type Staged } from './train/overlap.ts';
import { checkWeightsKind, type WeightsOptions } from './weights_kind.ts';

/** Options of {@link Model.captureExcitations}. */
export interface CaptureOptions extends WeightsOptions {
  /** Classes to keep apart from the others; default all. */
  classes?: readonly number[];
  /** Images in a batch, for data that is asked for batches; default 32. */
  batchSize?: number;
  signal?: AbortSignal;
}

/** Checks the options of `captureExcitations`. */
export function checkCaptureOptions(options: CaptureOptions, classes: number): void {
  checkOptions('captureExcitations', options, ['classes', 'weights', 'batchSize', 'signal']);
  checkWeightsKind('captureExcitations', options.weights);
  checkWhole('captureExcitations: batchSize', options.batchSize ?? 32, 1);
  checkSignal('captureExcitations: signal', options.signal);
  if (options.classes === undefined) return;
  if (!Array.isArray(options.classes))
    throw new ArgumentError('captureExcitations: classes: expected an array of classes');
  for (const label of options.classes) checkWhole('captureExcitations: classes', label, 0, classes - 1);
}

/** Mean and deviation of gates over images. */
export interface GateStatistics {
  /** Mean of each channel. */
  readonly mean: Float64Array;
  /** Standard deviation of each channel over the images. */
  readonly deviation: Float64Array;
}

/** Gates over some images. */
export interface ClassExcitations {
  /** Number of images. */
  readonly count: number;
  /** Statistics of each block, in the order of {@link Excitations.blocks}. */
  readonly blocks: readonly GateStatistics[];
}

/** What {@link Model.captureExcitations} returns. */
export interface Excitations {
  /** The SE blocks in the order of the network. */
  readonly blocks: readonly GatedBlock[];
  /** Over all images. */
  readonly all: ClassExcitations;
  /** Over the images of each class of which there were any. */
  readonly classes: ReadonlyMap<number, ClassExcitations>;
}

/** Welford's running mean and sum of squared differences, exact also where the deviation is small. */
class Statistics {
  count = 0;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(channels: number) {
    this.#mean = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  add(values: Float32Array): void {
    this.count += 1;
    for (let c = 0; c < values.length; c += 1) {
      const difference = values[c]! - this.#mean[c]!;
      this.#mean[c]! += difference / this.count;
      this.#squares[c]! += difference * (values[c]! - this.#mean[c]!);
    }
  }

  finish(): GateStatistics {
    const n = Math.max(this.count, 1);
    return { mean: this.#mean, deviation: this.#squares.map((sum) => Math.sqrt(sum / n)) };
  }
}

/** A batch whose images are on their way to the device. */
export interface StagedExcitations extends Staged {
  /** The gates [size, C] of each block. */
  run(): Promise<Float32Array[]>;
}

export interface CaptureRun {
  /** The model's name, for messages. */
  readonly model: string;
  readonly blocks: readonly GatedBlock[];
  readonly data: BatchSource;
  readonly options: CaptureOptions;
  check(batch: unknown): Batch;
  stage(batch: Batch): Promise<StagedExcitations>;
}

export async function runCapture(run: CaptureRun): Promise<Excitations> {
  const { blocks, data, options, check, stage } = run;
  const { batchSize = 32, signal, classes } = options;
  if (blocks.length === 0) {
    throw new UnsupportedError(
      `captureExcitations: expected a model with SE blocks that gate whole channels, '${run.model}' has none`,
    );
  }
  const newStatistics = () => blocks.map(({ channels }) => new Statistics(channels));
  const all = newStatistics();
  const wanted = classes && new Set(classes);
  const byClass = new Map<number, Statistics[]>();
  const add = (gates: readonly Float32Array[], labels: Batch['labels']) => {
    for (const [n, label] of labels.entries()) {
      const kept = wanted === undefined || wanted.has(label);
      if (kept && !byClass.has(label)) byClass.set(label, newStatistics());
      gates.forEach((values, block) => {
        const row = values.subarray(n * blocks[block]!.channels, (n + 1) * blocks[block]!.channels);
        all[block]!.add(row);
        if (kept) byClass.get(label)![block]!.add(row);
      });
    }
  };
  const iterator = await openBatches('captureExcitations: data', data, { batchSize, epoch: 0 });
  const draw = async () => {
    const next = await iterator.next();
    if (next.done === true) return undefined;
    signal?.throwIfAborted();
    const batch = check(next.value);
    if (!(batch.labels instanceof Int32Array))
      throw new ArgumentError('captureExcitations: data: labels: expected an Int32Array of classes');
    return { labels: batch.labels.slice(), ...(await stage(batch)) };
  };
  try {
    await overlap(draw, async (staged) => {
      signal?.throwIfAborted();
      add(await staged.run(), staged.labels);
    });
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  if (all[0]!.count === 0)
    throw new StateError('captureExcitations: data: expected at least one batch, received none');
  const finish = (statistics: readonly Statistics[]): ClassExcitations => ({
    count: statistics[0]!.count,
    blocks: statistics.map((one) => one.finish()),
  });
  const sorted = [...byClass].sort(([a], [b]) => a - b);
  return {
    blocks,
    all: finish(all),
    classes: new Map(sorted.map(([label, statistics]) => [label, finish(statistics)])),
  };
}
