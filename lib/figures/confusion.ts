import { ArgumentError, ArgumentRangeError } from '../errors.ts';
import { checkOptions, checkWhole } from '../train/check.ts';
import type { ConfusionCount } from '../train/prediction_report.ts';
import { chartStyle, escapeText, inFewLetters } from './line_chart.ts';

/** Options of {@link confusionFigure}. */
export interface ConfusionFigureOptions {
  /** Number of classes, 64 at most. */
  classes: number;
  /** Names of the classes by index; default their numbers. */
  names?: readonly string[];
}

const MOST_CLASSES = 64;
/** Counts stand in the cells of matrices up to this size. */
const MOST_WITH_COUNTS = 12;
const LETTERS = 14;
const GAP = 6;
/** Space for the names, and for the words along the axes. */
const NAMES = { beside: 104, above: 104 };

const shortened = (name: string): string => (name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name);

/**
 * Draws which classes are taken for which as an SVG: a row for each class, a column for each guess. The colour of a cell
 * is the share of its row, blue where the guess is right.
 *
 * @param counts of a {@link predictionReport}
 * @example
 * const svg = confusionFigure(report.last!.confusion, { classes: 10, names: fashionMnistClasses });
 */
export function confusionFigure(counts: readonly ConfusionCount[], options: ConfusionFigureOptions): string {
  checkOptions('confusionFigure', options, ['classes', 'names']);
  const { names = [] } = options;
  const classes = checkWhole('confusionFigure: classes', options.classes, 1, MOST_CLASSES);
  if (!Array.isArray(counts)) throw new ArgumentError('confusionFigure: counts: expected an array of counts');
  const outside = counts.find(({ label, guess }) => Math.max(label, guess) >= classes);
  if (outside !== undefined) {
    const found = Math.max(outside.label, outside.guess);
    throw new ArgumentRangeError(
      `confusionFigure: counts: expected ${classes} classes, received class ${found}`,
    );
  }
  const cell = classes <= MOST_WITH_COUNTS ? 36 : 18;
  const [width, height] = [NAMES.beside + classes * cell + 8, NAMES.above + classes * cell + 8];
  const nameOf = (index: number) => escapeText(names[index] ?? String(index));
  const totals = new Map<number, number>();
  for (const { label, count } of counts) totals.set(label, (totals.get(label) ?? 0) + count);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Confusion matrix">`,
    `<style>${chartStyle}</style>`,
  ];
  for (let i = 0; i < classes; i += 1) {
    const name = escapeText(shortened(names[i] ?? String(i)));
    const [x, y] = [NAMES.beside + (i + 0.5) * cell + 4, NAMES.above + (i + 0.5) * cell + 4];
    parts.push(
      `<text x="${NAMES.beside - GAP}" y="${y}" text-anchor="end">${name}</text>`,
      `<text transform="translate(${x} ${NAMES.above - GAP}) rotate(-90)">${name}</text>`,
      `<path class="grid" d="M${NAMES.beside} ${NAMES.above + i * cell}h${classes * cell}M${NAMES.beside + i * cell} ${NAMES.above}v${classes * cell}"/>`,
    );
  }
  for (const { label, guess, count } of counts) {
    const share = count / totals.get(label)!;
    const [x, y] = [NAMES.beside + guess * cell, NAMES.above + label * cell];
    const colour = label === guess ? '#0072b2' : '#d55e00';
    const verb = label === guess ? 'recognised' : `taken for ${nameOf(guess)}`;
    parts.push(
      // The root makes rare mistakes visible.
      `<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${colour}" fill-opacity="${(0.75 * Math.sqrt(share)).toFixed(3)}"><title>${nameOf(label)} ${verb}: ${count} (${(100 * share).toFixed(1)} %)</title></rect>`,
    );
    if (classes > MOST_WITH_COUNTS) continue;
    const middle = `x="${x + cell / 2}" y="${y + cell / 2 + 4}"`;
    parts.push(`<text class="count" ${middle} text-anchor="middle">${inFewLetters(count, 3)}</text>`);
  }
  const side = classes * cell;
  parts.push(
    `<path class="axis" fill="none" d="M${NAMES.beside} ${NAMES.above}h${side}v${side}h${-side}z"/>`,
  );
  return `${parts.join('\n')}\n</svg>\n`;
}
