/** The report of a check as Markdown. */
import { floorOf, paperFloor, peakOf } from './peak.mjs';

const sum = (list, of) => list.reduce((total, entry) => total + of(entry), 0);
const ms = (value) => (value === undefined ? '' : value < 0.1 ? value.toFixed(4) : value.toFixed(2));
const percent = (value) => (Number.isFinite(value) ? `${Math.round(100 * value)} %` : '');
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Checks by what they were asked for, then every failure. */
function checksSection(title, list, nameOf) {
  const rows = list.map((entry) => [nameOf(entry), entry.made ?? '', entry.error ?? entry.failures.length]);
  const failures = list.flatMap((entry) =>
    (entry.failures ?? []).map((f) => `- ${nameOf(entry)}, ${f.check}, ${f.case}: ${f.message}`),
  );
  const parts = [`## ${title}`, table(['what', 'checks', 'failed'], rows), failures.join('\n')];
  return parts.filter((part) => part !== '').join('\n\n');
}

function trainingSection(training) {
  const rows = training.flatMap(({ group, error, results = [] }) =>
    error === undefined
      ? results.map((r) => [r.check, r.difference.toPrecision(3), r.allowed, r.passed ? 'yes' : '**no**'])
      : [[group, error, '', '**no**']],
  );
  return ['## Models', table(['check', 'difference', 'allowed', 'passed'], rows)].join('\n\n');
}

const titleOf = ({ name, training, batch, autotune }) =>
  `${name} ${training ? 'training' : 'inference'}, batch ${batch}${autotune ? ', autotuned' : ''}`;

function timesSection(models, peak) {
  const rows = models.map((run) => {
    if (run.error !== undefined) return [titleOf(run), run.error, '', '', '', '', '', ''];
    const gpuMs = sum(run.steps, (step) => step.ms);
    const floor = sum(run.steps, (step) => floorOf(step, peak));
    return [
      titleOf(run),
      (run.firstMs / 1000).toFixed(1),
      `${ms(run.wallMs)} (${ms(run.fastestMs)} to ${ms(run.slowestMs)})`,
      ms(gpuMs),
      ms(floor),
      percent(floor / gpuMs),
      ms(paperFloor(run, peak)),
      Math.round((1000 * run.batch) / run.wallMs),
    ];
  });
  const head = [
    ...['program', 'first call, s', 'call, ms', 'on the GPU, ms', 'floor, ms', 'reached', 'paper, ms'],
    'images/s',
  ];
  return ['## Times', table(head, rows)].join('\n\n');
}

/** Steps by op: how many, their time, their floor and what they reach of it. */
function kindsSection(run, peak) {
  const kinds = [...new Set(run.steps.map(({ op }) => op))].map((op) => {
    const steps = run.steps.filter((step) => step.op === op);
    const time = sum(steps, (step) => step.ms);
    const floor = sum(steps, (step) => floorOf(step, peak));
    const rates = [
      sum(steps, ({ bytes }) => bytes) / time / 1e6,
      sum(steps, ({ flops }) => flops) / time / 1e9,
    ];
    return {
      op,
      time,
      cells: [op, steps.length, ms(time), ms(floor), percent(floor / time), ...rates.map(Math.round)],
    };
  });
  const rows = kinds.toSorted((a, b) => b.time - a.time).map(({ cells }) => cells);
  const head = ['op', 'steps', 'ms', 'floor, ms', 'reached', 'GB/s', 'TFLOP/s'];
  return [`### ${titleOf(run)}, by op`, table(head, rows)].join('\n\n');
}

function convolutionsSection({ batch, error, convolutions = [] }, peak) {
  if (error !== undefined) return `## Fused convolutions\n\n${error}`;
  const rows = convolutions.map(({ what, fused, plain }) => {
    const [one, several] = [fused, plain].map((steps) => sum(steps, (step) => step.ms));
    const floor = sum(fused, (step) => floorOf(step, peak));
    return [
      what,
      ms(one),
      ms(several),
      (one / several).toFixed(2),
      ms(floor),
      fused[0]?.implementation ?? '',
    ];
  });
  const head = ['convolution', 'fused, ms', 'plain ops, ms', 'ratio', 'floor, ms', 'implementation'];
  return [`## Fused convolutions of se_resnet50, batch ${batch}`, table(head, rows)].join('\n\n');
}

/** Whether all that was checked is right and all that was timed ran. */
export function passed({ ops = [], layers = [], training = [], models = [], convolutions = [] }) {
  return (
    [...ops, ...layers].every(({ error, failures }) => error === undefined && failures.length === 0) &&
    training.every(({ error, results }) => error === undefined && results.every((r) => r.passed)) &&
    [...models, ...convolutions].every(({ error }) => error === undefined)
  );
}

/** @param report the doctor's `facts`, the `device`, what its `peak` is taken to be, and the results of each part */
export function formatReport({ date, version, facts, device, peak: named, ...parts }) {
  const peak = peakOf(device, named);
  const rates = `${peak.bandwidth / 1e9} GB/s and ${peak.flops / 1e12} TFLOP/s`;
  const basis = peak.known
    ? `Floors are for its ${rates}.`
    : `Its peak is not known: floors are those of an H100, ${rates} (--bandwidth and --flops name others).`;
  const { ops, layers, training, models, convolutions } = parts;
  const measured = models?.filter(({ error }) => error === undefined) ?? [];
  const sections = [
    `# GPU check\n\nsenet ${version}, ${date}, ${device}. ${basis} ${passed(parts) ? 'All passed.' : '**Not all passed.**'}`,
    `## Machine\n\n${facts.map(({ name, found }) => `- ${name}: ${found}`).join('\n')}`,
    ops && checksSection('Ops', ops, ({ op }) => op),
    layers && checksSection('Layers in their own size', layers, ({ precision }) => precision),
    training && trainingSection(training),
    models && timesSection(models, peak),
    ...measured.map((run) => kindsSection(run, peak)),
    ...(convolutions ?? []).map((run) => convolutionsSection(run, peak)),
  ];
  return `${sections.filter((section) => section !== undefined).join('\n\n')}\n`;
}
