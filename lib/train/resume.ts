/** Finds the checkpoint that a run goes on with, and makes sure that it is one of the same run. */
import { ArgumentError, StateError } from '../errors.ts';
import type { Resumed } from './callbacks.ts';
import { type Checkpoint, type CheckpointFolder, readCheckpoint } from './checkpoints.ts';
import type { RunState } from './run_state.ts';

/** The checkpoint that a run asks for, and those passed over; undefined where it begins anew. */
export async function findCheckpoint(
  { resume, signal }: { readonly resume: string | undefined; readonly signal: AbortSignal | undefined },
  folder: CheckpointFolder | undefined,
): Promise<(Checkpoint & Pick<Resumed, 'damaged'>) | undefined> {
  if (resume === undefined) {
    await folder?.requireEmpty();
    return undefined;
  }
  if (resume !== 'auto') return { ...(await readCheckpoint(resume, signal)), damaged: [] };
  if (folder === undefined)
    throw new ArgumentError("fit: resume: expected checkpoints to be given with 'auto', received none");
  return folder.latest(signal);
}

/**
 * Data order and dropout are those of the run before only under the same seed, batch size and shuffling. Epochs,
 * schedule and the optimizer's numbers may be changed on purpose.
 */
export function requireSameRun(
  path: string,
  state: RunState,
  run: Pick<RunState, 'seed' | 'batchSize' | 'shuffle' | 'accumulate'>,
): void {
  const keys = ['seed', 'batchSize', 'shuffle', 'accumulate'] as const;
  const different = keys
    .filter((key) => state[key] !== run[key])
    .map((key) => `${key} ${state[key]} there, ${run[key]} here`);
  if (different.length > 0)
    throw new StateError(`fit: resume: '${path}' is of another run: ${different.join('; ')}`);
}
