// The results of a run as a page: one file that asks for nothing else, light and dark, readable on a phone.
import { barChart } from './bars.mjs';
import { costCharts, timeCharts } from './charts.mjs';
import { escapeText, number, quantity } from './html.mjs';
import { method } from './method.mjs';
import { bandwidths, rooflineChart } from './roofline.mjs';
import { cellOf, kernelRows, ofSuite, pivot, skippedList, table, versionsOf, zooRows } from './tables.mjs';

const style = `
:root { color-scheme: light dark; --ink: #24292f; --soft: #57606a; --line: #d8dee4; --back: #fff; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --back: #0d1117; --card: #161b22; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem 1rem 3rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p { margin: .3rem 0; max-width: 46rem; } .soft, small { color: var(--soft); }
.warn { padding: .5rem .8rem; border-left: 4px solid #d55e00; background: var(--card); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 1.2rem; margin-top: .8rem; align-items: start; }
.charts > svg { width: 100%; height: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 8px; }
.gap { fill: var(--back); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; margin: .5rem 0; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; font-weight: 500; } thead th { color: var(--soft); font-weight: 500; }
@media (max-width: 40rem) { tbody th { white-space: normal; min-width: 9rem; } }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .9rem; margin: .8rem 0; } dt { color: var(--soft); } dd { margin: 0; }
ul { padding-left: 1.2rem; max-width: 60rem; } li { margin: .2rem 0; } summary { cursor: pointer; }`;

/** A roofline for each work, and the bandwidth of the steps that have no place in it. */
function kernelCharts(results) {
  return ofSuite(results, 'roofline').flatMap(({ measure, steps, peak }) => {
    if (steps === undefined) return [];
    const rows = bandwidths(steps)
      .slice(0, 8)
      .map(({ op, gbPerSecond }) => ({
        label: op,
        value: gbPerSecond,
        ours: true,
        text: `${number(gbPerSecond)}`,
      }));
    const copy = peak.bandwidth / 1e9;
    return [
      rooflineChart(steps, peak, measure),
      barChart(rows, {
        title: 'GB/s of its steps without products',
        marks: [{ value: copy, label: `copy ${number(copy)}` }],
      }),
    ];
  });
}

function section(title, lead, parts) {
  const present = parts.filter((part) => part !== '');
  if (present.length === 0) return '';
  return `<section><h2>${title}</h2>\n<p class="soft">${lead}</p>\n<div class="charts">\n${present.join('\n')}\n</div></section>`;
}

function facts(report) {
  const rows = {
    machine: `${report.machine}, ${report.cores} cores, ${quantity(report.memoryBytes, 'bytes')}`,
    threads: `${report.threads}${report.cpus ? `, on cpu ${report.cpus.join(', ')}` : ', not pinned'}`,
    devices: report.devices?.join('; '),
    node: report.node,
    senet: `${report.senet}, commit ${report.commit}${report.changed ? ', with changes' : ''}`,
    date: report.date,
    remark: report.remark,
    ...Object.fromEntries(versionsOf(report.results)),
  };
  const present = Object.entries(rows).filter(([, text]) => text !== undefined);
  return `<dl>${present.map(([name, text]) => `<dt>${escapeText(name)}</dt><dd>${escapeText(text)}</dd>`).join('')}</dl>`;
}

function kernelTable(results) {
  const { heads, rows } = kernelRows(results, cellOf);
  return table(heads, rows);
}

function zooTable(results) {
  const { heads, rows } = zooRows(results);
  return table(heads, rows);
}

const detailed = (title, content) => (content === '' ? '' : `<h3>${title}</h3>\n${content}`);

/** @param report what --json writes */
export function reportPage(report) {
  const { results } = report;
  const quick = report.quick
    ? '<p class="warn">A quick run: small networks and few rounds, to see that all works. Nothing to quote.</p>'
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>senet benchmarks</title>
<style>${style}</style>
</head>
<body>
<header><h1>senet benchmarks</h1>
<p class="soft">${escapeText(`${report.machine}, ${report.threads} threads, ${String(report.date).slice(0, 10)}`)}</p>${quick}</header>
${section('Time per image', 'Milliseconds; shorter is better. A bar that is cut is longer than it is drawn.', timeCharts(results))}
${section('What SE costs', 'Time with squeeze-and-excitation over time without, for each contender; the dashed line is the paper’s.', costCharts(results))}
${section('Our kernels under the roof', 'Each dot is a step of se_resnet50, larger where it takes longer; the line is what the machine reaches at most. Winograd’s algorithm counts as the products it saves, so it may lie above.', kernelCharts(results))}
<section><h2>Tables</h2>
<p class="soft">× is the time over senet’s, round by round.</p>
${detailed('Networks', pivot(results, 'models', 'work'))}
${detailed('SE cost', pivot(results, 'se-cost', 'work'))}
${detailed('Beside the iterations', ['startup', 'compile', 'memory', 'event-loop', 'install-size'].map((suite) => pivot(results, suite, suite.replace('-', ' '))).join('\n'))}
${detailed('Growth', ['scaling', 'growth'].map((suite) => pivot(results, suite, suite)).join('\n'))}
${detailed('Zoo', zooTable(results))}
${detailed('Kernels', kernelTable(results))}
</section>
<section><h2>Method</h2>
${method}
${facts(report)}
<details><summary>What was not run</summary>
${skippedList(results)}
</details></section>
</body>
</html>
`;
}
