import {
  ablations,
  formatTable,
  progress,
  type RunConfig,
  ablate as runAblation,
  type VariantResult,
} from '../index.ts';
import { type Command, UsageError } from './command.ts';
import { readConfigFile } from './run_config.ts';

const presets = Object.keys(ablations).join(', ');

/** `senet ablate` */
export const ablate: Command = {
  summary: 'trains variants over several seeds and compares them',
  usage: `senet ablate CONFIG --out FOLDER [options]
  CONFIG            the run that all variants are based on, as for: senet train; in a field 'variants' it may have what
                    each changes, by name
  --out FOLDER      for the runs; those that are done there are not trained again
  --variants SET    the paper's: ${presets}; default those of CONFIG
  --seeds N,N       default 1,2,3`,
  options: { out: { type: 'string' }, variants: { type: 'string' }, seeds: { type: 'string' } },
  positionals: [1, 1],
  run: async (given) => {
    const directory = given.text('out');
    if (directory === undefined) throw new UsageError('expected --out FOLDER, for the runs');
    const { variants: own, ...base } = await readConfigFile(given.positionals[0]!);
    const results = await runAblation({
      // Checked there, whatever it is.
      base: base as object as RunConfig,
      variants: variantsOf(given.text('variants'), own),
      seeds: seedsOf(given.text('seeds') ?? '1,2,3'),
      directory,
      callbacks: () => [progress()],
      onRun: ({ variant, seed }) => console.error(`${variant}, seed ${seed}`),
    });
    return { text: format(results), json: results };
  },
};

function variantsOf(name: string | undefined, own: unknown) {
  if (name !== undefined) {
    const found = Object.entries(ablations).find(([known]) => known === name)?.[1];
    if (found === undefined) throw new UsageError(`--variants: expected ${presets}, received '${name}'`);
    return found;
  }
  if (typeof own !== 'object' || own === null)
    throw new UsageError(`expected --variants, or 'variants' in CONFIG`);
  return own as Record<string, object>;
}

function seedsOf(text: string): number[] {
  const parts = text.split(',');
  if (!parts.every((part) => /^\d{1,15}$/.test(part)))
    throw new UsageError(`--seeds: expected whole numbers with commas, such as 1,2,3; received '${text}'`);
  return parts.map(Number);
}

function format(results: readonly VariantResult[]): string {
  const percent = (share: number) => (Number.isNaN(share) ? '-' : (100 * share).toFixed(2));
  const rows = results.map(({ variant, sample, difference, probability }, i) => [
    variant,
    String(sample.count),
    percent(sample.mean),
    percent(sample.deviation),
    i === 0 ? '-' : `${difference < 0 ? '' : '+'}${percent(difference)}`,
    Number.isNaN(probability) ? '-' : probability.toPrecision(2),
  ]);
  return formatTable([['variant', 'seeds', 'top-1 %', 'deviation', 'difference', 'p'], ...rows]);
}
