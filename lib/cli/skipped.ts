import type { BrokenFile, FolderDataset, ImageDataset } from '../index.ts';

/** The images of folders that were skipped, as lines of text and as JSON. */
export function skippedOf(...datasets: readonly (ImageDataset | FolderDataset | undefined)[]): {
  lines: string[];
  broken: BrokenFile[];
} {
  const broken = datasets.flatMap((data) => (data && 'broken' in data ? data.broken : []));
  const lines = broken.map(({ reason }) => `skipped ${reason}`);
  if (lines.length > 1) lines.push(`skipped ${lines.length} images`);
  return { lines, broken };
}
