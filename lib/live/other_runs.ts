/** Runs that a page lays beside the one it shows. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readRun, runFiles } from '../runs/read_run.ts';
import type { OtherRun } from './sections.ts';
import { EpochCurves } from './tracker.ts';

/** More lines could not be told apart. */
const MOST_RUNS = 4;

/** The runs of the same folder that were heard of last; those that cannot be read are passed over. */
export async function otherRuns(directory: string): Promise<OtherRun[]> {
  const [own, parent] = [basename(resolve(directory)), dirname(resolve(directory))];
  const names = (await readdir(parent).catch(() => [])).filter((name) => name !== own);
  const dated = await Promise.all(
    names.map(async (name) => {
      const log = await stat(join(parent, name, runFiles.log)).catch(() => undefined);
      return { name, time: log?.mtimeMs };
    }),
  );
  const latest = dated
    .filter(({ time }) => time !== undefined)
    .sort((a, b) => b.time! - a.time!)
    .slice(0, MOST_RUNS);
  const runs: OtherRun[] = [];
  for (const { name } of latest) {
    try {
      const { epochs } = await readRun(join(parent, name));
      const run = { name, trained: new EpochCurves(), validated: new EpochCurves() };
      for (const { validation, ...trained } of epochs) {
        run.trained.add(trained);
        if (validation !== undefined) run.validated.add(validation);
      }
      runs.push(run);
    } catch {
      // Half written or damaged: the page does without.
    }
  }
  return runs;
}
