/** Line charts as SVG, readable on light and dark ground. */

/** One line. */
export interface Series {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Half the height of a band around the line at each point; default none. */
  readonly band?: readonly number[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly width?: number;
  readonly height?: number;
  /** Least and greatest value of the y axis; default those of the lines. */
  readonly yRange?: readonly [number, number];
}

/** Okabe and Ito's colours, which people who see few colours can tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8a8a8a', '#b5a400'];
const MARGIN = { top: 36, right: 16, bottom: 44, left: 56 };
/** Digits that tell ticks apart. */
const DIGITS = 12;
/** Lines of so many points have them marked. */
const MOST_DOTS = 20;
/** Space that a name takes in the legend beside its letters, and for each of them; height of a row. */
const LEGEND = { line: 30, letter: 6.6, row: 18 };

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** Text as it can stand in SVG. */
export const escapeText = (text: string): string => text.replace(/[&<>"]/g, (letter) => escapes[letter]!);

/** Round numbers, about so many, over a range. */
export function ticks(low: number, high: number, about = 5): number[] {
  const raw = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  // Division keeps 3 * 0.1 from being 0.30000000000000004.
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A number as there is room for on an axis or in a cell. */
export function inFewLetters(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size < 1e4) return String(value);
  const thousands = size < 1e6;
  return `${Number((value / (thousands ? 1e3 : 1e6)).toPrecision(digits))}${thousands ? 'k' : 'M'}`;
}

/** Least and greatest of finite values; never the same. */
function rangeOf(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const margin = Math.abs(low) / 10 || 0.5;
  return low < high ? [low, high] : [low - margin, high + margin];
}

/** The style sheet in each figure, always the same, so that a page can name it in its policy. */
export const chartStyle = `text { font: 12px system-ui, sans-serif; fill: #24292f; } .title { font-weight: 600; } .count { font-size: 11px; }
.axis { stroke: #8c959f; } .grid { stroke: #d8dee4; } .line { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
.band { opacity: 0.18; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .grid { stroke: #30363d; } .axis { stroke: #6e7681; } }`;

/** Pieces of a line between values that are no numbers. */
function pathOf(points: readonly (readonly [number, number])[]): string {
  let path = '';
  let isDown = false;
  for (const [x, y] of points) {
    const isPoint = Number.isFinite(x) && Number.isFinite(y);
    if (isPoint) path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    isDown = isPoint;
  }
  return path;
}

/** Dots for the points of a line with few of them, which may be no line at all. */
function dotsOf(points: readonly (readonly [number, number])[], colour: string): string[] {
  if (points.length > MOST_DOTS) return [];
  return points
    .filter((point) => point.every(Number.isFinite))
    .map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.5" fill="${colour}"/>`);
}

interface LegendPlace {
  readonly x: number;
  readonly row: number;
}

/** Places of names one after the other, in a new row where the width is over; the first row is the title's. */
function placeLegend(names: readonly string[], left: number, right: number): LegendPlace[] {
  let x = right;
  let row = 0;
  return names.map((name) => {
    const width = LEGEND.line + name.length * LEGEND.letter;
    if (x + width > right) {
      x = left;
      row += 1;
    }
    const place = { x, row };
    x += width;
    return place;
  });
}

/** Draws lines over a common pair of axes, with a legend. */
export function lineChart(series: readonly Series[], options: ChartOptions): string {
  const { width = 640, height = 320 } = options;
  const [x0, x1] = rangeOf(series.flatMap(({ x }) => x));
  const [y0, y1] =
    options.yRange ??
    rangeOf(
      series.flatMap(({ y, band }) => y.flatMap((v, i) => [v - (band?.[i] ?? 0), v + (band?.[i] ?? 0)])),
    );
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const legend = placeLegend(
    series.map(({ name }) => name),
    MARGIN.left,
    right,
  );
  const top = MARGIN.top + LEGEND.row * (legend.at(-1)?.row ?? 0);
  const isWhole = series.every(({ x }) => x.every(Number.isInteger));
  const px = (x: number) => MARGIN.left + ((x - x0) / (x1 - x0)) * (right - MARGIN.left);
  const py = (y: number) => bottom - ((y - y0) / (y1 - y0)) * (bottom - top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(options.title)}">`,
    `<style>${chartStyle}</style>`,
    `<text class="title" x="${MARGIN.left}" y="16">${escapeText(options.title)}</text>`,
    ...ticks(y0, y1).map(
      (y) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${py(y).toFixed(1)}" y2="${py(y).toFixed(1)}"/>` +
        `<text x="${MARGIN.left - 6}" y="${(py(y) + 4).toFixed(1)}" text-anchor="end">${inFewLetters(y, DIGITS)}</text>`,
    ),
    ...ticks(x0, x1, 8)
      .filter((x) => !isWhole || Number.isInteger(x))
      .map(
        (x) =>
          `<text x="${px(x).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${inFewLetters(x, DIGITS)}</text>`,
      ),
    `<path class="axis" fill="none" d="M${MARGIN.left} ${top}V${bottom}H${right}"/>`,
    `<text x="${(MARGIN.left + right) / 2}" y="${height - 8}" text-anchor="middle">${escapeText(options.xLabel)}</text>`,
    `<text transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeText(options.yLabel)}</text>`,
  ];
  series.forEach(({ name, x, y, band }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    if (band !== undefined) {
      const upper = x.map((v, k) => [px(v), py(y[k]! + band[k]!)] as const);
      const lower = x.map((v, k) => [px(v), py(y[k]! - band[k]!)] as const).toReversed();
      parts.push(`<path class="band" fill="${colour}" d="${pathOf([...upper, ...lower])}Z"/>`);
    }
    const points = x.map((v, k) => [px(v), py(y[k]!)] as const);
    parts.push(`<path class="line" stroke="${colour}" d="${pathOf(points)}"/>`, ...dotsOf(points, colour));
    const { x: at, row } = legend[i]!;
    const line = 16 + LEGEND.row * row;
    parts.push(`<path class="line" stroke="${colour}" d="M${at.toFixed(1)} ${line - 4}h14"/>`);
    parts.push(`<text x="${(at + 18).toFixed(1)}" y="${line}">${escapeText(name)}</text>`);
  });
  return `${parts.join('\n')}\n</svg>\n`;
}
