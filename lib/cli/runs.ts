import { basename } from 'node:path';
import { formatTable, listRuns, type RunRecord, runsPage } from '../index.ts';
import type { Command } from './command.ts';
import { writeOut } from './files.ts';

/** `senet runs` */
export const runs: Command = {
  summary: 'lists training runs',
  usage: `senet runs [FOLDER] [--html FILE]
  FOLDER            where the runs' folders are; default runs
  --html FILE       write a page with their curves, too, laid over each other`,
  options: { html: { type: 'string' } },
  positionals: [0, 1],
  run: async (given) => {
    const folder = given.positionals[0] ?? 'runs';
    const found = await listRuns(folder);
    const html = given.text('html');
    if (html !== undefined) await writeOut(html, runsPage(found));
    const rows = found.map(rowOf);
    const text =
      rows.length === 0 ? `no runs in '${folder}'` : formatTable([Object.keys(rows[0]!), ...rows.map(cells)]);
    return { text, json: rows };
  },
};

const cells = (row: ReturnType<typeof rowOf>): string[] =>
  Object.values(row).map((cell) => String(cell ?? '-'));

function rowOf({ directory, config, epochs, steps, time }: RunRecord) {
  const shown = (value: number | undefined, digits: number) =>
    value === undefined ? undefined : Number(value.toFixed(digits));
  const best = (of: (logs: RunRecord['epochs'][number]) => number | undefined) =>
    epochs.reduce<number | undefined>((most, logs) => {
      const value = of(logs);
      return value === undefined || (most !== undefined && most >= value) ? most : value;
    }, undefined);
  const top1 = best(({ validation, top1: trained }) => validation?.top1 ?? trained);
  return {
    run: basename(directory),
    model: config.model,
    data: config.data.directory ?? config.data.kind,
    epochs: `${epochs.length}/${config.epochs}`,
    steps: steps.length,
    loss: shown((epochs.at(-1) ?? steps.at(-1))?.loss, 4),
    'best top-1 %': top1 === undefined ? undefined : shown(100 * top1, 2),
    'last heard of': time === undefined ? undefined : new Date(time).toISOString().slice(0, 19),
  };
}
