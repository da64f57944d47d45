// Results of now against those of a file, as a table.

const keyOf = ({ suite, measure, contender, against }) =>
  [suite, measure, contender, against].filter((part) => part !== undefined).join(' | ');

/** Units of which more is better. */
const RATES = new Set(['GFLOP/s', 'GB/s', 'images/s', 'times']);

/** A row for each result with a value that both have; `ratio` is new over old, `better` whether that is an improvement. */
export function compareResults(old, now) {
  const before = new Map(
    old.filter(({ value }) => Number.isFinite(value)).map((result) => [keyOf(result), result]),
  );
  return now.flatMap((result) => {
    const key = keyOf(result);
    const earlier = before.get(key);
    if (earlier === undefined || !Number.isFinite(result.value) || earlier.unit !== result.unit) return [];
    const ratio = result.value / earlier.value;
    // Within the quartiles of either, it may be chance.
    const apart = !(result.low <= earlier.high && earlier.low <= result.high);
    const better = RATES.has(result.unit) ? ratio > 1 : ratio < 1;
    return [{ key, unit: result.unit, old: earlier.value, now: result.value, ratio, apart, better }];
  });
}

const digits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** The rows as text with aligned columns; what changed beyond the spread of both has a word for it. */
export function comparisonTable(rows) {
  if (rows.length === 0) return 'nothing to compare: no result is in both';
  const cells = rows.map(({ key, unit, old, now, ratio, apart, better }) => [
    ...[key, digits(old), digits(now), unit, ratio.toFixed(3)],
    apart ? (better ? 'better' : 'worse') : '',
  ]);
  const all = [['result', 'old', 'new', 'unit', 'new/old', ''], ...cells];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What makes ratios doubtful: another machine, or another number of threads. */
export function differences(old, now) {
  return ['machine', 'cores', 'threads', 'quick']
    .filter((key) => old[key] !== now[key])
    .map((key) => `${key}: ${old[key]} before, ${now[key]} now`);
}
