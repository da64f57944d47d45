// A roofline: operations a second against operations for each byte, both logarithmic, under the roofs of the machine.
import { escapeText, number } from './html.mjs';
import { at, svg, WIDTH } from './svg.mjs';

const HEIGHT = 300;
const MARGIN = { top: 48, right: 10, bottom: 40, left: 42 };
const KINDS = [
  { name: 'conv', ops: /^conv2d(_fused)?$/, colour: '#0072b2' },
  { name: 'its input gradient', ops: /^conv2d_grad_input/, colour: '#009e73' },
  { name: 'its filter gradient', ops: /^conv2d_grad_weight/, colour: '#d55e00' },
  { name: 'other', ops: /./, colour: '#cc79a7' },
];
const kindOf = (op) => KINDS.find(({ ops }) => ops.test(op));

const decades = (low, high) =>
  Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => 10 ** (Math.ceil(low) + i));

/** A power of ten, without what its computation leaves behind. */
const tick = (value) => Number(value.toPrecision(1));

/** The ends of an axis as logarithms, with room around all values. */
const rangeOf = (values) => [Math.log10(Math.min(...values)) - 0.12, Math.log10(Math.max(...values)) + 0.12];

/**
 * @param steps `{ op, layer, flops, bytes, ms, count }`; those without operations have no place here
 * @param peak `{ flops, bandwidth }`
 */
export function rooflineChart(steps, peak, title) {
  const points = steps
    .filter(({ flops, bytes, ms }) => flops > 0 && bytes > 0 && ms > 0)
    .map((step) => ({ ...step, intensity: step.flops / step.bytes, rate: step.flops / step.ms / 1e6 }));
  if (points.length === 0) return '';
  const top = peak.flops / 1e9;
  const ridge = peak.flops / peak.bandwidth;
  const [x0, x1] = rangeOf([...points.map(({ intensity }) => intensity), ridge / 2, ridge * 4]);
  const [y0, y1] = rangeOf([...points.map(({ rate }) => rate), top]);
  const px = (value) =>
    MARGIN.left + ((Math.log10(value) - x0) / (x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const py = (value) =>
    HEIGHT - MARGIN.bottom - ((Math.log10(value) - y0) / (y1 - y0)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const longest = Math.max(...points.map(({ ms, count }) => ms * count));
  const [left, right, bottom] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  // The slope begins where it enters the chart, at its left or at its bottom.
  const from = Math.max(10 ** x0, (10 ** y0 * 1e9) / peak.bandwidth);
  const roof = `M${at(px(from))} ${at(py((from * peak.bandwidth) / 1e9))}L${at(px(ridge))} ${at(py(top))}H${right}`;
  const present = KINDS.filter((kind) => points.some(({ op }) => kindOf(op) === kind));
  const legendX = present.map((_, i) =>
    present.slice(0, i).reduce((x, { name }) => x + 26 + 6.1 * name.length, 0),
  );
  return svg(title, HEIGHT, [
    ...present.flatMap(({ name, colour }, i) => [
      `<circle cx="${at(legendX[i] + 5)}" cy="30" r="4.5" fill="${colour}"/>`,
      `<text class="soft" x="${at(legendX[i] + 13)}" y="34">${name}</text>`,
    ]),
    ...decades(y0, y1).map(
      (y) =>
        `<path class="grid" d="M${left} ${at(py(y))}H${right}"/><text class="soft" x="${left - 5}" y="${at(py(y) + 4)}" text-anchor="end">${tick(y)}</text>`,
    ),
    ...decades(x0, x1).map(
      (x) =>
        `<path class="grid" d="M${at(px(x))} ${MARGIN.top}V${bottom}"/><text class="soft" x="${at(px(x))}" y="${bottom + 14}" text-anchor="middle">${tick(x)}</text>`,
    ),
    `<path class="roof" d="${roof}"/>`,
    `<text class="soft" x="${right}" y="${at(py(top) - 5)}" text-anchor="end">${number(top)} GFLOP/s</text>`,
    `<path class="axis" fill="none" d="M${left} ${MARGIN.top}V${bottom}H${right}"/>`,
    ...points
      .toSorted((a, b) => b.ms * b.count - a.ms * a.count)
      .map(({ op, layer, intensity, rate, ms, count }) => {
        const { colour } = kindOf(op);
        const radius = 2.5 + 7 * Math.sqrt((ms * count) / longest);
        const says = `${layer} ${op}: ${number(rate)} GFLOP/s, ${number(ms)} ms${count > 1 ? `, ${count} times` : ''}`;
        return `<circle class="dot" cx="${at(px(intensity))}" cy="${at(py(rate))}" r="${at(radius)}" fill="${colour}" stroke="${colour}"><title>${escapeText(says)}</title></circle>`;
      }),
    `<text class="soft" x="${right}" y="${HEIGHT - 6}" text-anchor="end">operations for each byte (log)</text>`,
    `<text class="soft" x="0" y="${HEIGHT - 6}">GFLOP/s (log)</text>`,
  ]);
}

/** Bytes a second of the steps that are no products, by op: `{ op, gbPerSecond, ms }`, the longest first. */
export function bandwidths(steps) {
  const groups = new Map();
  for (const { op, flops, bytes, ms, count } of steps) {
    if (flops > 0 || bytes === 0) continue;
    const group = groups.get(op) ?? { op, bytes: 0, ms: 0 };
    groups.set(op, { op, bytes: group.bytes + bytes * count, ms: group.ms + ms * count });
  }
  return [...groups.values()]
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ op, bytes, ms }) => ({ op, ms, gbPerSecond: bytes / ms / 1e6 }));
}
