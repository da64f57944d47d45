/** The demo's page: one file that needs no network, light and dark, readable on a phone. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { greyPng } from './png.mjs';

const escapeHtml = (text) =>
  String(text).replace(
    /[&<>"']/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c],
  );
const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`;

const style = `
:root { --back: #fbfaf8; --ink: #22262b; --soft: #6a717a; --line: #dcd8d0; --se: #b5532a; --plain: #3b6ea5; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --back: #15181c; --ink: #e6e3dd; --soft: #98a0a9; --line: #30353c; --se: #e58a5c; --plain: #7fb0e0; --card: #1c2025; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.2rem 4rem; background: var(--back); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .8rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .35rem .9rem .35rem 0; text-align: right; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; } svg { width: 100%; height: auto; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 50%; margin-right: .35rem; vertical-align: -1px; }
.matrix { font-size: .78rem; } .matrix td, .matrix th { padding: .3rem .4rem; text-align: center; min-width: 2.3rem; }
.matrix th { color: var(--soft); font-weight: 500; } .matrix td { color: var(--ink); border-radius: 3px; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .8rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem; text-align: center; }
figure img { width: 84px; height: 84px; image-rendering: pixelated; border-radius: 4px; }
figcaption { font-size: .8rem; line-height: 1.35; margin-top: .35rem; } .wrong { color: var(--se); }
`;

/** Means of neighbouring values, so that a curve has at most `points`. */
function smooth(values, points = 120) {
  const size = Math.max(1, Math.ceil(values.length / points));
  const result = [];
  for (let i = 0; i < values.length; i += size) {
    const some = values.slice(i, i + size);
    result.push({ step: i + some.length / 2, loss: some.reduce((a, b) => a + b, 0) / some.length });
  }
  return result;
}

function lossCurves(runs) {
  const [width, height, left, bottom] = [720, 260, 44, 28];
  const curves = runs.map(({ losses }) => smooth(losses));
  const steps = Math.max(...runs.map(({ losses }) => losses.length));
  const top = Math.max(...curves.flat().map(({ loss }) => loss));
  const x = (step) => left + ((width - left - 8) * step) / steps;
  const y = (loss) => 8 + (height - bottom - 8) * (1 - loss / top);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(share * top).toFixed(1);
    return `<line x1="${left}" x2="${width - 8}" y1="${at}" y2="${at}" stroke="var(--line)"/><text x="${left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${(share * top).toFixed(2)}</text>`;
  });
  const lines = curves.map((curve, i) => {
    const points = curve.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="var(--${i === 0 ? 'se' : 'plain'})" stroke-width="2" stroke-linejoin="round"/>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Training loss by step">${grid.join('')}${lines.join('')}
<text x="${width - 8}" y="${height - 6}" text-anchor="end">step ${steps}</text><text x="${left}" y="${height - 6}">0</text></svg>`;
}

function confusion(predictions, classes) {
  const counts = classes.map(() => classes.map(() => 0));
  for (const { label, guess } of predictions) counts[label][guess] += 1;
  const rows = counts.map((row, label) => {
    const total = Math.max(
      1,
      row.reduce((a, b) => a + b, 0),
    );
    const cells = row.map((n, guess) => {
      const colour = label === guess ? 'var(--plain)' : 'var(--se)';
      const strength = Math.round(100 * Math.sqrt(n / total) * 0.75);
      return `<td style="background: color-mix(in srgb, ${colour} ${strength}%, transparent)">${n === 0 ? '' : n}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(classes[label])}</th>${cells.join('')}</tr>`;
  });
  const head = classes.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  return `<div class="scroll"><table class="matrix"><thead><tr><th></th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function gallery(predictions, test, classes) {
  const [height, width] = test.shape;
  const figures = predictions.map(({ index, label, guess, probability }) => {
    const { pixels } = test.image(index);
    const right = label === guess;
    const truth = right ? 'right' : `<span class="wrong">is ${escapeHtml(classes[label])}</span>`;
    return `<figure><img alt="" src="${greyPng(pixels, width, height)}"><figcaption>${escapeHtml(classes[guess])} ${percent(probability, 0)}<br>${truth}</figcaption></figure>`;
  });
  return `<div class="images">${figures.join('')}</div>`;
}

function comparison(runs) {
  const rows = runs.map(({ name, model, result, stepMs, seconds }, i) => {
    const key = `<span class="key" style="background: var(--${i === 0 ? 'se' : 'plain'})"></span>`;
    const cells = [
      model.summary().parameters.toLocaleString('en'),
      percent(result.top1),
      result.loss.toFixed(4),
      `${stepMs.toFixed(1)} ms`,
      `${seconds.toFixed(0)} s`,
    ];
    return `<tr><td>${key}${escapeHtml(name)}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr><th>network</th><th>parameters</th><th>test top-1</th><th>test loss</th><th>step</th><th>training</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** Writes index.html into a folder and returns its path. */
export async function writeReport(folder, { se, plain, predictions, test, classes }) {
  const mistakes = predictions.filter(({ label, guess }) => label !== guess);
  const worst = mistakes.toSorted((a, b) => b.probability - a.probability).slice(0, 12);
  const cost = se.stepMs / plain.stepMs;
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>senet on Fashion-MNIST</title><style>${style}</style></head><body>
<h1>senet on Fashion-MNIST</h1>
<p class="soft">${escapeHtml(se.name)} and the same network without squeeze-and-excitation, trained alike on this machine.</p>
<h2>Result</h2>${comparison([se, plain])}
<p class="soft">A step with squeeze-and-excitation took ${cost.toFixed(3)} times as long (medians of steps taken in turn).</p>
<h2>Training loss</h2>${lossCurves([se, plain])}
<h2>Confusion matrix</h2><p class="soft">Rows are the true classes, columns the predicted ones, ${predictions.length.toLocaleString('en')} test images.</p>${confusion(predictions, classes)}
<h2>Some test images</h2>${gallery(predictions.slice(0, 18), test, classes)}
<h2>The surest mistakes</h2>${gallery(worst, test, classes)}
</body></html>
`;
  await mkdir(folder, { recursive: true });
  const file = resolve(join(folder, 'index.html'));
  await writeFile(file, page);
  return file;
}
