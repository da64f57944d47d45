// What the documents say of a run: tables in Markdown between two marks, and charts beside them.
import { costCharts, timeCharts } from './charts.mjs';
import { number, percentOver, quantity } from './html.mjs';
import { bandwidths, rooflineChart } from './roofline.mjs';
import { familyOf, kernelRows, ofSuite, unique, versionsOf, zooRows } from './tables.mjs';

const [BEGIN, END] = ['<!-- results: npm run bench -- --from FILE --publish -->', '<!-- end of results -->'];

/** A document with other results between its marks. */
export function withResults(document, results) {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`bench: expected a document with ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${results}\n\n${document.slice(end)}`;
}

function table(heads, rows) {
  if (rows.length === 0) return '';
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

const valued = (results, suite) =>
  ofSuite(results, suite).filter(({ contender, value }) => contender !== 'machine' && Number.isFinite(value));

function cell(result) {
  if (result === undefined) return '';
  const { value, unit, toFirst } = result;
  const time = unit === 'ratio' ? percentOver(value) : quantity(value, unit);
  return toFirst === undefined ? time : `${time}, ${number(toFirst)}×`;
}

/** Which of PyTorch's forms a result is of. */
const formOf = ({ contender }) =>
  contender.startsWith('pytorch ') ? ` (${contender.slice('pytorch '.length)})` : '';

/** The measures of suites by contenders; of PyTorch's forms the one with the least. */
function comparison(results, names, head) {
  const some = names.flatMap((suite) => valued(results, suite));
  const columns = unique(some.map(({ contender }) => familyOf(contender)));
  const rows = unique(some.map(({ measure }) => measure)).map((measure) => [
    measure,
    ...columns.map((column) => {
      const [least] = some
        .filter((each) => each.measure === measure && familyOf(each.contender) === column)
        .toSorted((a, b) => a.value - b.value);
      return least === undefined ? '' : cell(least) + formOf(least);
    }),
  ]);
  return table([head, ...columns], rows);
}

/** Of the steps with products, by op: their share of the rate that multiply-adds reach by themselves. */
function rates(steps, peak) {
  const ops = unique(steps.filter(({ flops }) => flops > 0).map(({ op }) => op));
  const total = (list, field) => list.reduce((sum, step) => sum + step[field] * step.count, 0);
  return ops
    .map((op) => {
      const those = steps.filter((step) => step.op === op);
      return { op, ms: total(those, 'ms'), flops: total(those, 'flops') };
    })
    .map(({ op, ms, flops }) => ({
      op,
      ms,
      rate: (flops / ms) * 1e-6,
      share: (flops / ms) * (1e3 / peak.flops),
    }))
    .toSorted((a, b) => b.ms - a.ms);
}

/** senet's own steps by op, with what they reach of the machine. */
function stepsTable({ measure, steps, peak }) {
  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  const products = rates(steps, peak).map(({ op, ms, rate, share }) => [
    ...[`\`${op}\``, quantity(ms, 'ms'), `${number(rate)} GFLOP/s`, percent(share)],
  ]);
  const passes = bandwidths(steps)
    .slice(0, 5)
    .map(({ op, ms, gbPerSecond }) => [
      ...[`\`${op}\``, quantity(ms, 'ms'), `${number(gbPerSecond)} GB/s`],
      percent(gbPerSecond / (peak.bandwidth / 1e9)),
    ]);
  return table([measure, 'time', 'rate', 'of the machine’s'], [...products, ...passes]);
}

/** What stands in a series, beside that of its base. */
function growthTable(results) {
  const rows = valued(results, 'growth').map(({ measure, value, toBase }) => [
    ...[measure.replace(/^growth with /, ''), number(value), `${number(toBase.value)}×`],
  ]);
  return table(['growing, work', 'ps a multiply-accumulate', 'to one image, 224x224, 50 layers'], rows);
}

function scalingTable(results) {
  const rows = valued(results, 'scaling').map(({ measure, value, machine }) => [
    ...[measure.replace(/^scaling, /, ''), number(value), machine ? number(machine.value) : ''],
  ]);
  return table(['work', 'times as fast', 'multiply-adds without memory, in the same rounds'], rows);
}

function zooTable(results) {
  const { heads, rows } = zooRows(results);
  return table(
    heads,
    rows.map(([name, ...cells]) => [cells[0] === '' ? name : `\`${name}\``, ...cells]),
  );
}

function kernelTable(results) {
  const { heads, rows } = kernelRows(results, cell);
  return table(heads, rows);
}

/** The processor by what it can do at most, since names of virtual ones say little. */
function machineOf({ machine, threads, devices, node, date, commit, results }) {
  const [cpu = ''] = devices ?? [];
  const peaks = results.flatMap(({ peak }) => peak ?? []);
  const highest = (name) => number(Math.max(...peaks.map((peak) => peak[name])) / 1e9);
  const most = peaks.length > 0 && `at most ${highest('flops')} GFLOP/s and ${highest('bandwidth')} GB/s`;
  const library = cpu.replace(/^cpu: /, '').replace(/, \d+ threads?$/, '');
  return [
    ...[machine, `${threads} threads`, most, library, `Node ${node.slice(1)}`],
    ...[date.slice(0, 10), `commit ${commit}`],
  ]
    .filter(Boolean)
    .join(', ');
}

/** Charts by the names of their files. */
export function chartsOf({ results }) {
  const named = (kind, charts) => charts.map((chart, i) => [`${kind}-${i + 1}.svg`, chart]);
  const rooflines = ofSuite(results, 'roofline').map(({ measure, steps, peak }) =>
    rooflineChart(steps, peak, measure),
  );
  return new Map([
    ...named('time', timeCharts(results)),
    ...named('cost', costCharts(results)),
    ...named('roofline', rooflines),
  ]);
}

/** Charts as a document shows them, two beside each other where there is room. */
const images = (charts, kinds, folder) =>
  [...charts]
    .filter(([name]) => kinds.test(name))
    .map(([name, svg]) => {
      const [, title] = /aria-label="([^"]*)"/.exec(svg);
      return `<img src="${folder}/${name}" width="380" alt="${title}">`;
    })
    .join('\n');

/** Those that are there, with room between them. */
const paragraphs = (parts) => parts.filter((part) => part !== '').join('\n\n');

/** The performance section of the README. */
export function readmeResults(report) {
  const { results, remark } = report;
  const where =
    remark === undefined ? '' : ' Not all is of one run; [the page](docs/benchmarks.md) says what.';
  return paragraphs([
    `${machineOf(report)}; ${[...versionsOf(results)].map((each) => each.join(' ')).join(', ')}. Float32; medians of interleaved rounds, × is the time over senet's, round by round; PyTorch in the fastest of its forms. Bars are milliseconds for an image, and what SE adds to them.${where}`,
    images(chartsOf(report), /^(time|cost)/, 'docs/charts'),
    comparison(results, ['models'], 'network'),
    comparison(results, ['se-cost'], 'time with SE over time without'),
  ]);
}

/** The results in full, for the page about benchmarks; `remark` says which are not of the one run, and why. */
export function pageResults(report) {
  const { results, remark = '' } = report;
  const rooflines = ofSuite(results, 'roofline');
  return paragraphs([
    `${machineOf(report)}; the comparison of networks and of SE's cost is in the README.${remark && ` ${remark}`}`,
    images(chartsOf(report), /^roofline/, 'charts'),
    ...rooflines.map(stepsTable),
    scalingTable(results),
    growthTable(results),
    comparison(
      results,
      ['startup', 'compile', 'memory', 'event-loop', 'install-size'],
      'beside the iterations',
    ),
    kernelTable(results),
    zooTable(results),
  ]);
}
