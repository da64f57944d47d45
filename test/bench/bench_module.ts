/** The benchmarks are plain JavaScript; tests name the parts they use, with their types. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../scripts/run_script.ts';

export interface Result {
  readonly suite: string;
  readonly measure: string;
  readonly contender?: string;
  readonly unit?: string;
  readonly value?: number;
  readonly low?: number;
  readonly high?: number;
  readonly skipped?: string;
  readonly [field: string]: unknown;
}

/** A module below bench/. */
export const benchModule = (name: string): Promise<unknown> =>
  import(pathToFileURL(join(root, 'bench', name)).href);
