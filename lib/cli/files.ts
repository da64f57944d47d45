/** Files that the command line is given and writes; what goes wrong is a FileError with the name. */
import { readFile, writeFile } from 'node:fs/promises';
import { FileError } from '../index.ts';

const failure = (path: string, action: string, error: unknown): FileError =>
  new FileError(path, `cannot ${action}: ${error instanceof Error ? error.message : String(error)}`);

export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw failure(path, 'read', error);
  });
}

export async function writeOut(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content).catch((error: unknown) => {
    throw failure(path, 'write', error);
  });
}
