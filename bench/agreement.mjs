// Whether contenders compute the same: results are compared before anything is timed.
//
// Logits of an image count up to a number that is added to all of them (senet gives probabilities, whose logarithms are
// logits but for that). Tolerances are of what float32 leaves: another order of sums, Winograd's algorithm, norms folded
// into weights. A wrong stride, norm or gate is off by 0.1 and more.

/** Largest difference of logits, as a share of their largest distance from the image's mean. */
export const LOGITS_TOLERANCE = 2e-3;
/** Largest difference of a loss, as a share of it, before the first step and after each of two steps. */
export const LOSS_TOLERANCES = [1e-4, 2e-3, 2e-2];

/** Each row with mean 0. */
function centred(logits, rows) {
  const width = logits.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const values = logits.slice(row * width, (row + 1) * width);
    const mean = values.reduce((a, b) => a + b, 0) / width;
    return values.map((value) => value - mean);
  }).flat();
}

const largest = (list) => list.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The difference of logits as a share of what they are. */
export function logitsDifference(logits, expected, rows) {
  if (logits.length !== expected.length) return Number.POSITIVE_INFINITY;
  const [a, b] = [centred(logits, rows), centred(expected, rows)];
  return largest(a.map((value, i) => value - b[i])) / largest(b);
}

/**
 * @param info what a contender's ready line says
 * @param reference that of the one it is checked against
 * @returns undefined where they agree, else what differs
 */
export function disagreement(info, reference, rows) {
  if (info.logits !== undefined) {
    const difference = logitsDifference(info.logits, reference.logits, rows);
    return difference <= LOGITS_TOLERANCE
      ? undefined
      : `its logits differ by ${difference.toPrecision(2)} of their size, ${LOGITS_TOLERANCE} are allowed`;
  }
  const step = info.losses.findIndex((loss, i) => {
    const expected = reference.losses[i];
    return !(Math.abs(loss - expected) <= LOSS_TOLERANCES[i] * Math.abs(expected));
  });
  return step < 0
    ? undefined
    : `its loss in step ${step + 1} is ${info.losses[step]}, ${reference.losses[step]} is expected`;
}
