/** Runs as a page: one file that asks for nothing else, light and dark, readable on a phone. */
import { basename } from 'node:path';
import { escapeText, lineChart, type Series } from '../figures/line_chart.ts';
import type { RunRecord } from './read_run.ts';

/** Points of a curve at most; more would not be seen. */
const POINTS = 400;

const style = `
:root { color-scheme: light dark; --ink: #24292f; --soft: #57606a; --line: #d8dee4; --back: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --back: #0d1117; } }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem 3rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1.5rem; }
svg { width: 100%; height: auto; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .3rem 1rem .3rem 0; text-align: left; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 6px; font-size: .85rem; }`;

/** Means of neighbours, so that a curve has no more than {@link POINTS}; x is the place of the last of them, from 1. */
function thinned(name: string, values: readonly number[]): Series {
  const width = Math.max(1, Math.ceil(values.length / POINTS));
  const x: number[] = [];
  const y: number[] = [];
  for (let start = 0; start < values.length; start += width) {
    const some = values.slice(start, start + width);
    x.push(start + some.length);
    y.push(some.reduce((sum, value) => sum + value, 0) / some.length);
  }
  return { name, x, y };
}

type Curve = (run: RunRecord) => readonly (readonly [suffix: string, values: readonly number[]])[];

/** A chart of some curves of each run; none where no run has any. */
function chart(runs: readonly RunRecord[], title: string, xLabel: string, curves: Curve): string {
  const series = runs.flatMap((run) =>
    curves(run).flatMap(([suffix, values]) => {
      const name = `${basename(run.directory)}${suffix}`;
      return values.length === 0 ? [] : [thinned(name, values)];
    }),
  );
  return series.length === 0 ? '' : lineChart(series, { title, xLabel, yLabel: '' });
}

const validated = (run: RunRecord, of: 'loss' | 'top1'): number[] =>
  run.epochs.flatMap(({ validation }) => (validation === undefined ? [] : [validation[of]]));

function charts(runs: readonly RunRecord[]): string {
  const percent = (values: readonly number[]) => values.map((share) => 100 * share);
  return [
    chart(runs, 'Loss of each step', 'step', ({ steps }) => [['', steps.map(({ loss }) => loss)]]),
    chart(runs, 'Top-1 accuracy, %', 'epoch', (run) => [
      [' training', percent(run.epochs.map(({ top1 }) => top1))],
      [' validation', percent(validated(run, 'top1'))],
    ]),
    chart(runs, 'Loss', 'epoch', (run) => [
      [' training', run.epochs.map(({ loss }) => loss)],
      [' validation', validated(run, 'loss')],
    ]),
    chart(runs, 'Learning rate', 'step', ({ steps }) => [['', steps.map(({ lr }) => lr)]]),
    chart(runs, 'Images a second', 'epoch', ({ epochs }) => [
      ['', epochs.map(({ samplesPerSecond }) => samplesPerSecond)],
    ]),
  ].join('\n');
}

function row({ directory, config, epochs }: RunRecord): string {
  const last = epochs.at(-1);
  const percent = (share: number | undefined) =>
    share === undefined ? '-' : `${(100 * share).toFixed(2)} %`;
  const cells = [
    basename(directory),
    config.model,
    config.data.directory ?? config.data.kind,
    `${epochs.length}/${config.epochs}`,
    last?.loss.toFixed(4) ?? '-',
    percent(last?.top1),
    percent(last?.validation?.top1),
  ];
  return `<tr>${cells.map((cell) => `<td>${escapeText(cell)}</td>`).join('')}</tr>`;
}

/**
 * A page with the curves of runs, laid over each other, and their configurations, as HTML. It needs no network and runs no
 * script.
 *
 * @example
 * await writeFile('runs.html', runsPage(await listRuns('runs')));
 */
export function runsPage(runs: readonly RunRecord[]): string {
  const heads = ['run', 'model', 'data', 'epochs', 'loss', 'top-1', 'validation top-1'];
  const configs = runs.map(
    ({ directory, config }) =>
      `<h2>${escapeText(basename(directory))}</h2><pre>${escapeText(JSON.stringify(config, undefined, 2))}</pre>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Training runs</title>
<style>${style}</style>
</head>
<body>
<h1>Training runs</h1>
<div class="scroll"><table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>
${runs.map(row).join('\n')}
</table></div>
<h2>Curves</h2>
<div class="charts">
${charts(runs)}
</div>
${configs.join('\n')}
</body>
</html>
`;
}
