/** Runs as their folders tell of them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError, FileError } from '../errors.ts';
import { asFileError, isMissing, requirePath } from '../io/regular_file.ts';
import type { EpochLogs, StepLogs } from '../train/callbacks.ts';
import { checkRunConfig, type RunConfig } from './config.ts';

/** Names of what a run keeps in its folder. */
export const runFiles = {
  /** The configuration, complete. */
  config: 'config.json',
  /** Names of the classes, a line each. */
  classes: 'classes.txt',
  /** What {@link jsonLines} writes. */
  log: 'log.jsonl',
  /** The folder of checkpoints. */
  checkpoints: 'checkpoints',
  /** The weights of the best epoch. */
  best: 'checkpoints/best.safetensors',
  /** The weights at the end. */
  last: 'model.safetensors',
  /** The page that {@link livePage} leaves. */
  report: 'report.html',
} as const;

/** A run that is done or under way. */
export interface RunRecord {
  readonly directory: string;
  readonly config: RunConfig;
  /** The steps that were logged, in order. */
  readonly steps: readonly StepLogs[];
  /** The epochs that are done. */
  readonly epochs: readonly EpochLogs[];
  /** When it was last heard of, in milliseconds since 1970; undefined for one that has logged nothing. */
  readonly time: number | undefined;
}

/**
 * Reads what a run's folder says.
 *
 * @throws FileError if it is none of a run, or damaged. The last line of a log may be half a line, as a run that was killed leaves it.
 */
export async function readRun(directory: string): Promise<RunRecord> {
  requirePath('readRun', directory);
  const path = join(directory, runFiles.config);
  const config = parseConfig(path, await readText(path));
  const log = await readText(join(directory, runFiles.log)).catch((error: unknown) => {
    if (error instanceof FileError && isMissing(error.cause)) return '';
    throw error;
  });
  const events = log.split('\n').flatMap(parseLine);
  const of = (kind: string) => events.filter(({ event }) => event === kind);
  return {
    directory,
    config,
    steps: of('step').map((logs) => logs as object as StepLogs),
    epochs: of('epoch').map((logs) => logs as object as EpochLogs),
    time: events.at(-1)?.time,
  };
}

/**
 * The runs in the sub-folders of a folder, those heard of last first; folders that are none of a run are passed over.
 *
 * @throws FileError if the folder cannot be read
 */
export async function listRuns(directory: string): Promise<RunRecord[]> {
  requirePath('listRuns', directory);
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw asFileError(directory, 'read', error);
  });
  const runs: RunRecord[] = [];
  for (const entry of entries.filter((one) => one.isDirectory())) {
    try {
      runs.push(await readRun(join(directory, entry.name)));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }
  return runs.sort((a, b) => (b.time ?? 0) - (a.time ?? 0));
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw asFileError(path, 'read', error);
  });
}

function parseConfig(path: string, text: string): RunConfig {
  try {
    return checkRunConfig(path, JSON.parse(text));
  } catch (error) {
    if (error instanceof ArgumentError) throw new FileError(path, error.message, { cause: error });
    throw new FileError(path, 'expected JSON', { cause: error });
  }
}

interface LogEvent {
  readonly event: string;
  readonly time: number;
  readonly [field: string]: unknown;
}

function parseLine(line: string): LogEvent[] {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent = typeof value === 'object' && value !== null && 'event' in value && 'time' in value;
    return isEvent ? [value as LogEvent] : [];
  } catch {
    return [];
  }
}
