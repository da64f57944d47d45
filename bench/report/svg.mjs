// What charts share. An SVG carries its own style, for light and dark ground, so that it can stand in a page or in a file;
// it is drawn for a phone's width, where its letters are as large as the page's.
import { escapeText } from './html.mjs';

export const WIDTH = 380;

const style = `.chart text { font: 12px system-ui, sans-serif; fill: #24292f; } .chart .soft { fill: #57606a; font-size: 11px; }
.chart .title { font-weight: 600; font-size: 13px; } .chart .value { font-variant-numeric: tabular-nums; paint-order: stroke; stroke: var(--back, #fff); stroke-width: 3px; } .chart .ours { font-weight: 600; }
.chart .bar { fill: #b6bec8; } .chart .bar.ours { fill: #0072b2; } .chart .spread { stroke: #57606a; stroke-width: 1.2; }
.chart .grid { stroke: #d8dee4; } .chart .axis { stroke: #8c959f; } .chart .mark { stroke: #d55e00; stroke-width: 1.5; stroke-dasharray: 4 3; }
.chart .roof { stroke: #8c959f; stroke-width: 2; fill: none; } .chart .marked { fill: #b34700; font-size: 11px; } .chart .dot { fill-opacity: .65; stroke-width: 1; }
@media (prefers-color-scheme: dark) { .chart text { fill: #e6edf3; } .chart .soft { fill: #9198a1; } .chart .bar { fill: #4d5661; }
.chart .bar.ours { fill: #56b4e9; } .chart .spread { stroke: #9198a1; } .chart .grid { stroke: #30363d; } .chart .axis { stroke: #6e7681; }
.chart .roof { stroke: #6e7681; } .chart .value { stroke: var(--back, #0d1117); } .chart .mark { stroke: #f0883e; } .chart .marked { fill: #f0883e; } }`;

export const at = (value) => Number(value.toFixed(1));

/** A chart of a height around its parts, of which the first is the title that screen readers say. */
export function svg(title, height, parts) {
  return [
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="0" y="15">${escapeText(title)}</text>`,
    ...parts,
    '</svg>',
  ].join('\n');
}
