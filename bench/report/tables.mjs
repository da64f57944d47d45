// Results as tables: a row for each measure, a column for each contender.
import { escapeText, number, percentOver, quantity } from './html.mjs';

export const unique = (list) => [...new Set(list)];

/** PyTorch's forms are of one library. */
export const familyOf = (contender) => (contender.startsWith('pytorch') ? 'PyTorch' : contender);

/** Versions that contenders have said, by library. */
export const versionsOf = (results) =>
  new Map(
    results
      .filter(({ version }) => version !== undefined)
      .map(({ contender, version }) => [familyOf(contender), version]),
  );

export const ofSuite = (results, suite) => results.filter((result) => result.suite === suite);

/** A table of cells, the first of each row its head; columns but that are right-aligned. */
export function table(heads, rows) {
  if (rows.length === 0) return '';
  const head = heads.map((text) => `<th scope="col">${escapeText(text)}</th>`).join('');
  const body = rows.map(
    ([first, ...cells]) =>
      `<tr><th scope="row">${escapeText(first)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table></div>`;
}

/** What a cell says: the value, and beside it how that compares. */
export function cellOf(result) {
  if (result === undefined) return '';
  if (result.skipped !== undefined)
    return `<span class="soft" title="${escapeText(result.skipped)}">not run</span>`;
  const { value, low, high, unit, toFirst, toBase, rounds } = result;
  const spread =
    rounds > 1 && unit !== undefined
      ? `median of ${rounds}, quartiles ${quantity(low, unit)} to ${quantity(high, unit)}`
      : '';
  const main = unit === 'ratio' ? percentOver(value) : quantity(value, unit);
  const ratio = toFirst ?? toBase?.value;
  const beside = ratio === undefined ? '' : ` <small>×${number(ratio)}</small>`;
  return `<span title="${escapeText(spread)}">${escapeText(main)}${beside}</span>`;
}

/** All of a suite, measures by contenders. */
export function pivot(results, suite, head) {
  const some = ofSuite(results, suite).filter(({ contender }) => contender !== 'machine');
  const columns = unique(some.filter(({ value }) => value !== undefined).map(({ contender }) => contender));
  const measures = unique(some.filter(({ value }) => value !== undefined).map(({ measure }) => measure));
  const find = (measure, contender) =>
    some.find((each) => each.measure === measure && each.contender === contender);
  return table(
    [head, ...columns],
    measures.map((measure) => [measure, ...columns.map((contender) => cellOf(find(measure, contender)))]),
  );
}

/**
 * Kernels: the rates of senet's beside the times of all.
 *
 * @param cell says a result, or nothing of none
 */
export function kernelRows(results, cell) {
  const some = ofSuite(results, 'kernels').filter(
    ({ contender, value }) => contender !== 'machine' && value !== undefined,
  );
  const others = unique(some.map(({ contender }) => contender)).filter((name) => name !== 'senet');
  const rows = unique(some.map(({ measure }) => measure)).map((measure) => {
    const find = (contender) => some.find((each) => each.measure === measure && each.contender === contender);
    const ours = find('senet');
    const rates =
      ours === undefined
        ? ['', '', '']
        : [
            ours.gflops === undefined ? '' : number(ours.gflops),
            number(ours.gbPerSecond),
            `${(100 * ours.shareOfPeak).toFixed(0)} %`,
          ];
    return [measure, cell(ours), ...rates, ...others.map((name) => cell(find(name)))];
  });
  return { heads: ['kernel', 'senet', 'GFLOP/s', 'GB/s', 'of peak', ...others], rows };
}

/** The geometric means of the zoo's ratios to onnxruntime-node, then each model beside it. */
export function zooRows(results) {
  const some = ofSuite(results, 'pairs');
  const models = some.flatMap(({ measure, ms, againstMs, ratio }) => {
    const [, model, size] = /^(\S+), (\d+x\d+), inference, batch 1$/.exec(measure) ?? [];
    if (model === undefined || ratio === undefined) return [];
    return [[model, size, quantity(ms, 'ms'), quantity(againstMs, 'ms'), ratio.toFixed(2)]];
  });
  const means = some
    .filter(({ models: count }) => count !== undefined)
    .map(({ measure, models: count, ratio }) => [
      measure.replace(/^inference of the zoo (.*), batch 1$/, `${count} models $1, geometric mean`),
      ...['', '', ''],
      ratio.toFixed(3),
    ]);
  const heads = ['inference, batch 1', 'size', 'senet', 'onnxruntime-node', 'time to it'];
  return { heads, rows: [...means, ...models] };
}

/** What was not run, each reason once. */
export function skippedList(results) {
  const reasons = new Map();
  for (const { contender, measure, skipped } of results) {
    if (skipped === undefined) continue;
    const key = `${contender ?? measure}: ${skipped}`;
    reasons.set(key, [...(reasons.get(key) ?? []), measure]);
  }
  const items = [...reasons].map(([reason, measures]) => {
    const where = unique(measures);
    const count = where.length === 1 ? where[0] : `${where.length} measures`;
    return `<li>${escapeText(reason)} <span class="soft">(${escapeText(count)})</span></li>`;
  });
  return items.length === 0 ? '<p>Everything was run.</p>' : `<ul>${items.join('\n')}</ul>`;
}
