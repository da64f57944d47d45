// What the measures make of their times: medians, spreads, and ratios that are taken round by round.

export const sum = (list) => list.reduce((total, value) => total + value, 0);

/** The value below which that share of the list is, between neighbours in proportion. */
export function quantile(list, share) {
  if (list.length === 0) return Number.NaN;
  const sorted = list.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

export const median = (list) => quantile(list, 0.5);

export const geometricMean = (list) => Math.exp(sum(list.map(Math.log)) / list.length);

/** Median, quartiles, and how many values there were. */
export const summary = (list) => ({
  value: median(list),
  low: quantile(list, 0.25),
  high: quantile(list, 0.75),
  rounds: list.length,
});

/** Ratios of the rounds that both have. */
export function ratiosOf(these, those) {
  return these.slice(0, those.length).map((value, round) => value / those[round]);
}

/** Median and spread of a contender's times, and its ratio to another's, round by round. */
export function compare(times, name, against) {
  const ratios = ratiosOf(times[name], times[against]);
  return {
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    ms: median(times[name]),
    againstMs: median(times[against]),
  };
}
