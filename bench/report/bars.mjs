// Bars side by side, one a contender: the shorter the better.
import { escapeText } from './html.mjs';
import { at, svg, WIDTH } from './svg.mjs';

const [TOP, ROW, BAR, LEFT, RIGHT] = [26, 23, 13, 156, 62];
/** A bar longer than so many times the shortest is cut, or all others would be too short to see. */
const LONGEST = 8;

/** Where the scale ends, and whether some bars go beyond. */
function scaleOf(values, longest) {
  const end = Math.min(Math.max(...values), longest);
  return { least: Math.min(0, ...values), end, isCut: (value) => value > end };
}

/** Teeth at the end of a bar that is cut. */
const teeth = (x, y) =>
  `<path d="M${at(x - 8)} ${y - 1}l4 ${BAR / 2 + 1}l-4 ${BAR / 2 + 1}h4l4 -${BAR / 2 + 1}l-4 -${BAR / 2 + 1}z" class="gap"/>`;

/**
 * @param rows `{ label, value, low, high, text, ours }`; those without a finite value are left out
 * @param options.title above the bars
 * @param options.marks vertical lines with a name, `{ value, label }`
 * @param options.cut whether long bars may be cut
 */
export function barChart(rows, { title, marks = [], cut = false }) {
  const drawn = rows.filter(({ value }) => Number.isFinite(value));
  if (drawn.length === 0) return '';
  const longest = cut ? LONGEST * Math.min(...drawn.map(({ value }) => value)) : Number.POSITIVE_INFINITY;
  const ends = drawn.flatMap(({ value, low = value, high = value }) => [value, low, high]);
  const { least, end, isCut } = scaleOf([...ends, ...marks.map(({ value }) => value)], longest);
  const span = end - least || 1;
  const px = (value) => LEFT + ((Math.min(value, end) - least) / span) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + ROW * drawn.length;
  const bars = drawn.flatMap(({ label, value, low, high, text, ours: isOurs }, i) => {
    const y = TOP + ROW * i;
    const [from, to] = [Math.min(px(0), px(value)), Math.max(px(0), px(value))];
    const kind = isOurs ? ' ours' : '';
    const middle = y + BAR / 2;
    const spread = Number.isFinite(low) && Number.isFinite(high) && !isCut(high) && px(high) - px(low) > 2;
    return [
      `<text class="label${kind}" x="${LEFT - 8}" y="${y + 11}" text-anchor="end">${escapeText(label)}</text>`,
      `<rect class="bar${kind}" x="${at(from)}" y="${y}" width="${at(Math.max(1, to - from))}" height="${BAR}" rx="2"/>`,
      spread ? `<path class="spread" d="M${at(px(low))} ${middle}H${at(px(high))}"/>` : '',
      isCut(value) ? teeth(to, y) : '',
      `<text class="value${kind}" x="${at(Math.max(to, spread ? px(high) : 0) + 6)}" y="${y + 11}">${escapeText(text)}</text>`,
    ];
  });
  const lines = marks.flatMap(({ value, label }) => [
    `<path class="mark" d="M${at(px(value))} ${TOP - 4}V${bottom - 4}"/>`,
    `<text class="marked" x="${at(Math.min(px(value), WIDTH - 40))}" y="${bottom + 10}" text-anchor="middle">${escapeText(label)}</text>`,
  ]);
  const axis = `<path class="axis" d="M${at(px(0))} ${TOP - 4}V${bottom - 4}"/>`;
  return svg(title, bottom + (marks.length > 0 ? 16 : 0), [axis, ...lines, ...bars]);
}
