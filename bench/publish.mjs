// Makes a run's results the ones that the repository keeps and its documents show.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartsOf, pageResults, readmeResults, withResults } from './report/published.mjs';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** A report as JSON with a line for each result, so that changes can be read. */
export function resultLines({ results, ...rest }) {
  const head = JSON.stringify(rest, undefined, 1).slice(0, -2);
  return `${head},\n "results": [\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n]}\n`;
}

/** Six digits are more than a measurement has. */
const rounded = (report) =>
  JSON.parse(JSON.stringify(report), (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value,
  );

/** What publishing writes, by file. */
export function publishedFiles(measured) {
  const report = rounded(measured);
  const document = (name, text) => [name, withResults(readFileSync(path(name), 'utf8'), text)];
  return new Map([
    ['bench/results.json', resultLines(report)],
    document('README.md', readmeResults(report)),
    document('docs/benchmarks.md', pageResults(report)),
    ...[...chartsOf(report)].map(([name, svg]) => [`docs/charts/${name}`, `${svg}\n`]),
  ]);
}

export function publish(report) {
  if (report.quick) throw new Error('bench: a quick run has no figures to publish');
  rmSync(path('docs/charts'), { recursive: true, force: true });
  mkdirSync(path('docs/charts'));
  for (const [name, text] of publishedFiles(report)) writeFileSync(path(name), text);
}
