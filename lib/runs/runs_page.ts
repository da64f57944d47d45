/** Runs as a page. */
import { basename } from 'node:path';
import { Curve } from '../figures/curve.ts';
import { htmlPage } from '../figures/html_page.ts';
import { escapeText, lineChart } from '../figures/line_chart.ts';
import type { RunRecord } from './read_run.ts';

type Values = (run: RunRecord) => readonly (readonly [suffix: string, values: readonly number[]])[];

/** A chart of some curves of each run; none where no run has any. */
function chart(runs: readonly RunRecord[], title: string, xLabel: string, curves: Values): string {
  const series = runs.flatMap((run) =>
    curves(run).flatMap(([suffix, values]) => {
      const name = `${basename(run.directory)}${suffix}`;
      return values.length === 0 ? [] : [{ name, ...Curve.of(values).points }];
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
  const body = `<h1>Training runs</h1>
<div class="scroll"><table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>
${runs.map(row).join('\n')}
</table></div>
<h2>Curves</h2>
<div class="charts">
${charts(runs)}
</div>
${configs.join('\n')}`;
  return htmlPage('Training runs', body).html;
}
