import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GrowingFile } from '../io/growing_file.ts';
import { asFileError, requirePath } from '../io/regular_file.ts';
import type { Callback } from './callbacks.ts';

/**
 * Writes what happens in a run to a file, a JSON object in each line: `{ "event": "begin", "epochs" }`,
 * `{ "event": "step", ... }` with the fields of {@link StepLogs}, `{ "event": "epoch", ... }` with those of
 * {@link EpochLogs}, and `{ "event": "checkpoint", "path" }`; each with `time`, in milliseconds since 1970. A run that
 * is resumed goes on behind the lines that its checkpoint knows, so that no step stands there twice; another one begins
 * the file anew.
 *
 * @param path the file; its folder is made if it is not there
 * @example
 * await model.fit(train, { epochs: 90, callbacks: [jsonLines('runs/first/log.jsonl')] });
 */
export function jsonLines(path: string): Callback {
  requirePath('jsonLines', path);
  let file: GrowingFile | undefined;
  /** Bytes that the checkpoint knows; all there are for one that knows of no log. */
  let kept = Infinity;
  const write = async (event: string, values: object) => {
    const line = { event, time: Date.now(), ...values };
    await file?.append(Buffer.from(`${JSON.stringify(line)}\n`));
  };
  return {
    name: `jsonLines ${path}`,
    async onTrainBegin({ epochs, resumed }) {
      await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
        throw asFileError(path, 'make the folder', error);
      });
      file = await GrowingFile.open(path, resumed === undefined ? 0 : kept);
      await write('begin', { epochs, ...(resumed && { resumed: resumed.path }) });
    },
    onStepEnd: (logs) => write('step', logs),
    onEpochEnd: (logs) => write('epoch', logs),
    onCheckpoint: ({ path: checkpoint }) => write('checkpoint', { path: checkpoint }),
    async onTrainEnd() {
      await file?.close();
      file = undefined;
    },
    saveState: () => file?.size ?? 0,
    loadState(state) {
      kept = Number(state);
    },
  };
}
