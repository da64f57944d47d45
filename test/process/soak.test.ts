/** A long life of training, saving, aborting and failing holds no more in the end than early on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { expectNoCrash, runNode } from './run_node.ts';

const place = mkdtempSync(join(tmpdir(), 'senet-soak-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** More by SENET_SOAK; half an hour is a good look. */
const seconds = Number(process.env['SENET_SOAK'] ?? 10);

interface Round {
  readonly steps: number;
  readonly megabytes: number;
  readonly threads: number;
  readonly files: number;
}

/** Slope of the line with the least squared distances. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const products = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return products / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

test(
  `memory, threads and open files over ${seconds} seconds`,
  async () => {
    const result = await runNode('soak.mjs', {
      args: [place, String(seconds)],
      nodeArgs: ['--expose-gc'],
      timeoutMs: 1000 * seconds + 60_000,
    });
    expectNoCrash(result);
    expect(result.code, result.stderr).toBe(0);
    const rounds = result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Round);
    const settled = rounds.slice(2);
    expect(settled.length).toBeGreaterThan(0);
    for (const { threads, files } of settled) {
      expect(threads).toBe(settled[0]!.threads);
      expect(files).toBe(settled[0]!.files);
    }
    // The heap of JavaScript takes some thousand steps to find its size.
    const late = settled.slice(Math.floor(settled.length / 4));
    const slope = 1000 * slopeOf(late.map(({ steps, megabytes }) => [steps, megabytes]));
    console.log(JSON.stringify({ rounds: rounds.length, last: rounds.at(-1), megabytesPer1000Steps: slope }));
    if (rounds.at(-1)!.steps > 20_000) expect(slope).toBeLessThan(1);
    else expect(Math.max(...settled.map(({ megabytes }) => megabytes))).toBeLessThan(256);
  },
  1000 * seconds + 90_000,
);
