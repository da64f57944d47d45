/** Variants of one training, each over several seeds: what the paper's section 6 does. */
import { join } from 'node:path';
import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import { requirePath } from '../io/regular_file.ts';
import type { Callback } from '../train/callbacks.ts';
import { checkOptions, checkWhole } from '../train/check.ts';
import { checkRunConfig, type RunConfig } from './config.ts';
import { prepareRun } from './prepare.ts';
import { type Sample, sampleOf, welchTest } from './statistics.ts';
import { trainRun } from './train_run.ts';

/** What a variant changes; its `modelOptions` are added to those of the base. */
export type Variant = Partial<RunConfig>;

const se = (options: object): Variant => ({ modelOptions: { se: options } });

/**
 * The paper's ablations, for a base whose model has SE: variants by name, the first being what the others are compared
 * with. The networks without SE need another model, `resnet20` beside `se_resnet20`.
 */
export const ablations = {
  /** Table X. */
  ratio: {
    r16: se({}),
    r2: se({ reduction: 2 }),
    r4: se({ reduction: 4 }),
    r8: se({ reduction: 8 }),
    r32: se({ reduction: 32 }),
  },
  /** Table XI. */
  squeeze: { avg: se({}), max: se({ squeeze: 'max' }) },
  /** Table XII. */
  gate: { sigmoid: se({}), relu: se({ gate: 'relu' }), tanh: se({ gate: 'tanh' }) },
  /** Table XIV. */
  placement: {
    standard: se({}),
    pre: se({ placement: 'pre' }),
    post: se({ placement: 'post' }),
    identity: se({ placement: 'identity' }),
  },
  /** Table XVI. */
  none: { avg: se({}), none: se({ squeeze: 'none' }) },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Variant>>>>;

/** Options of {@link ablate}. */
export interface AblateOptions {
  /** What all variants have in common. */
  base: RunConfig;
  /** Variants by name; the others are compared with the first. */
  variants: Readonly<Record<string, Variant>>;
  /** Seeds that each variant is trained with. */
  seeds: readonly number[];
  /** Folder for the runs, `<variant>/seed-<n>`; those that are done there already are not trained again. */
  directory: string;
  /** For every run; what has a state is made anew for each. */
  callbacks?: () => readonly Callback[];
  /** Told before each run. */
  onRun?: (run: { variant: string; seed: number; directory: string }) => void;
  signal?: AbortSignal;
}

/** How a variant did. */
export interface VariantResult {
  readonly variant: string;
  /** Top-1 accuracy after the last epoch for each seed, on validation images, or on training images where there are none. */
  readonly top1: readonly number[];
  readonly sample: Sample;
  /** Mean less that of the first variant. */
  readonly difference: number;
  /** Probability of such a difference by chance (Welch's t-test); NaN for the first variant and for single seeds. */
  readonly probability: number;
}

function check(options: AblateOptions): void {
  const keys = ['base', 'variants', 'seeds', 'directory', 'callbacks', 'onRun', 'signal'];
  checkOptions('ablate', options, keys);
  const { base, variants, seeds, directory } = options;
  requirePath('ablate: directory', directory);
  checkRunConfig('ablate: base', base);
  if (typeof variants !== 'object' || variants === null || Object.keys(variants).length === 0)
    throw new ArgumentError('ablate: variants: expected variants by name');
  for (const [name, variant] of Object.entries(variants)) {
    if (!/^[\w.-]+$/.test(name) || /^\.+$/.test(name)) {
      throw new ArgumentRangeError(
        `ablate: variants: expected names of letters, digits, '.', '-' and '_', received '${name}'`,
      );
    }
    checkRunConfig(`ablate: variants.${name}`, merged(base, variant));
  }
  if (!Array.isArray(seeds) || seeds.length === 0 || new Set(seeds).size < seeds.length)
    throw new ArgumentError('ablate: seeds: expected different seeds');
  for (const seed of seeds) checkWhole('ablate: seeds', seed, 0);
}

const merged = (base: RunConfig, variant: Variant): RunConfig => ({
  ...base,
  ...variant,
  ...((base.modelOptions ?? variant.modelOptions) && {
    modelOptions: { ...base.modelOptions, ...variant.modelOptions },
  }),
});

/**
 * Trains each variant with each seed and compares their accuracies. What is done stays in its folder, so that a
 * comparison that was interrupted goes on.
 *
 * @example
 * const results = await ablate({ base, variants: ablations.gate, seeds: [1, 2, 3], directory: 'runs/gates' });
 */
export async function ablate(options: AblateOptions): Promise<readonly VariantResult[]> {
  check(options);
  const { base, variants, seeds, directory, callbacks, onRun, signal } = options;
  const results: VariantResult[] = [];
  for (const [variant, change] of Object.entries(variants)) {
    const top1: number[] = [];
    for (const seed of seeds) {
      signal?.throwIfAborted();
      const folder = join(directory, variant, `seed-${seed}`);
      onRun?.({ variant, seed, directory: folder });
      const run = await prepareRun({ ...merged(base, change), seed }, `${variant}, seed ${seed}`);
      try {
        const made = callbacks?.() ?? [];
        const { epochs } = await trainRun(run, folder, { callbacks: made, ...(signal && { signal }) });
        const last = epochs.at(-1)!;
        top1.push((last.validation ?? last).top1);
      } finally {
        run.model.dispose();
      }
    }
    const sample = sampleOf(top1);
    const first = results[0]?.sample ?? sample;
    const probability = results.length === 0 ? Number.NaN : welchTest(first, sample);
    results.push({ variant, top1, sample, difference: sample.mean - first.mean, probability });
  }
  return results;
}
