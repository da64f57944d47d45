// The charts that compare contenders.
import { barChart } from './bars.mjs';
import { percentOver, quantity } from './html.mjs';
import { ofSuite } from './tables.mjs';

const isOurs = (contender) => contender.startsWith('senet');
const fastestFirst = (rows) => rows.toSorted((a, b) => a.value - b.value);
const measuresOf = (results) => [...new Set(results.map(({ measure }) => measure))];

/** A chart for each model: milliseconds for each image. */
export function timeCharts(results) {
  const timed = ofSuite(results, 'models').filter(({ value }) => Number.isFinite(value));
  return measuresOf(timed).map((measure) => {
    const rows = timed
      .filter((result) => result.measure === measure)
      .map(({ contender, value, low, high, batch }) => ({
        ...{
          label: contender,
          ours: isOurs(contender),
          value: value / batch,
          low: low / batch,
          high: high / batch,
        },
        text: quantity(value / batch, 'ms'),
      }));
    return barChart(fastestFirst(rows), { title: measure, cut: true });
  });
}

/** A chart for each work: how much longer with SE, in percent, and what the paper has. */
export function costCharts(results) {
  const costs = ofSuite(results, 'se-cost').filter(({ value }) => Number.isFinite(value));
  return measuresOf(costs).map((measure) => {
    const some = costs.filter((result) => result.measure === measure);
    const [{ paper }] = some;
    const rows = some.map(({ contender, value, low, high }) => ({
      ...{ label: contender, ours: isOurs(contender), value: value - 1, low: low - 1, high: high - 1 },
      text: percentOver(value),
    }));
    const marks = paper === undefined ? [] : [{ value: paper - 1, label: `paper ${percentOver(paper)}` }];
    return barChart(fastestFirst(rows), { title: measure, marks });
  });
}
