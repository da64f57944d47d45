/** The parts of a run's page as HTML, each made when it is asked for and something in it has changed. */

import { UnsupportedError } from '../errors.ts';
import type { Excitations } from '../excitations.ts';
import { confusionFigure } from '../figures/confusion.ts';
import type { Curve } from '../figures/curve.ts';
import { excitationFigure } from '../figures/excitations.ts';
import { escapeText, lineChart, type Series } from '../figures/line_chart.ts';
import type { Pixels } from '../images/image.ts';
import { thumbnail } from '../images/thumbnail.ts';
import type { Predictions } from '../train/prediction_report.ts';
import { duration } from '../train/progress.ts';
import { lastOfStages } from './excitations.ts';
import type { EpochCurves, Tracker } from './tracker.ts';

/** A run that is drawn beside the one that is watched. */
export interface OtherRun {
  readonly name: string;
  readonly trained: EpochCurves;
  readonly validated: EpochCurves;
}

/** What there is to show. */
export interface View {
  readonly tracker: Tracker;
  readonly classes: number;
  /** Names of the classes by index. */
  readonly names: readonly string[];
  readonly config: unknown;
  readonly others: readonly OtherRun[];
  readonly predictions: Predictions | undefined;
  /** Or why there are none. */
  readonly excitations: Excitations | Error | undefined;
  picture(image: Float32Array): Pixels;
}

/** Classes of a confusion matrix at most; of more the pairs that are confused most often are listed. */
const MOST_IN_MATRIX = 40;
const MOST_PAIRS = 20;
/** Narrow, so that letters stay readable on a phone. */
const CHART = { width: 460, height: 260 };

const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;
const nameOf = ({ names }: View, index: number): string => escapeText(names[index] ?? `class ${index}`);

const phases = {
  waiting: () => 'Waiting for the run to begin.',
  training: ({ step }) =>
    `Training${step?.steps === undefined ? '' : `, step ${step.step + 1} of ${step.steps}`}.`,
  validating: () => 'Validating.',
  ended: ({ done, epochs }) => `Ended after ${done} of ${epochs} epochs.`,
} satisfies Record<Tracker['phase'], (tracker: Tracker) => string>;

function head({ tracker }: View): string {
  const { epochs, done, last, step, best, imagesPerSecond, secondsLeft, phase } = tracker;
  const number = (title: string, value: string | undefined, more = '') =>
    `<div><dt>${title}</dt><dd>${value ?? '–'}<small>${more}</small></dd></div>`;
  const { validation } = last ?? {};
  const loss = step?.loss ?? last?.loss;
  const lr = step?.lr ?? last?.lr;
  return `<p class="soft">${phases[phase](tracker)}</p>
<progress max="1" value="${tracker.share.toFixed(4)}">${percent(tracker.share)}</progress>
<dl class="numbers">
${number('Epoch', `${Math.min(done + 1, epochs)} / ${epochs}`, `${done} done`)}
${number('Time left', phase === 'ended' || secondsLeft === undefined ? undefined : duration(secondsLeft))}
${number('Loss', loss?.toFixed(4), step === undefined ? 'of the last epoch' : 'of this step')}
${number('Training top-1', last && percent(last.top1), 'of the last epoch')}
${number('Validation top-1', validation && percent(validation.top1), best && `best ${percent(best.top1)}, epoch ${best.epoch + 1}`)}
${number('Learning rate', lr?.toPrecision(3))}
${number('Images a second', imagesPerSecond?.toFixed(0))}
</dl>`;
}

const seriesOf = (name: string, curve: Curve): Series[] =>
  curve.count === 0 ? [] : [{ name, ...curve.points }];

function chart(title: string, xLabel: string, series: readonly Series[]): string {
  return series.length === 0 ? '' : lineChart(series, { ...CHART, title, xLabel, yLabel: '' });
}

function steps({ tracker: { loss, lr, rate } }: View): string {
  return `<div class="charts">
${chart('Loss of each step', 'step', seriesOf('training', loss))}
${chart('Learning rate', 'step', seriesOf('rate', lr))}
${chart('Images a second', 'step', seriesOf('training', rate))}
</div>`;
}

function epochs({ tracker, others }: View): string {
  const of = (curve: 'loss' | 'top1') => [
    ...seriesOf('training', tracker.trained[curve]),
    ...seriesOf('validation', tracker.validated[curve]),
    ...others.flatMap(({ name, trained, validated }) =>
      seriesOf(name, (validated.loss.count > 0 ? validated : trained)[curve]),
    ),
  ];
  return `<div class="charts">
${chart('Top-1 accuracy, %', 'epoch', of('top1'))}
${chart('Loss', 'epoch', of('loss'))}
</div>
${others.length === 0 ? '' : '<p class="soft">Beside them runs of the same folder, on their validation data where they have some.</p>'}`;
}

function confusion(view: View): string {
  const { predictions, classes, names } = view;
  if (predictions === undefined) return '';
  const counts = predictions.confusion;
  const title = `<h2>Confusion matrix</h2><p class="soft">Rows are the classes, columns what they were taken for; ${predictions.samples} validation images.</p>`;
  if (classes <= MOST_IN_MATRIX) {
    const large = classes > 12 ? ' large' : '';
    return `${title}<div class="scroll matrix${large}">${confusionFigure(counts, { classes, names })}</div>`;
  }
  const rows = counts
    .filter(({ label, guess }) => label !== guess)
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_PAIRS)
    .map(
      ({ label, guess, count }) =>
        `<tr><td>${count}</td><td>${nameOf(view, label)}</td><td>${nameOf(view, guess)}</td></tr>`,
    );
  return `<h2>Confused most often</h2><p class="soft">Of ${classes} classes, in ${predictions.samples} validation images.</p>
<div class="scroll"><table class="pairs"><tr><th>times</th><th>class</th><th>taken for</th></tr>${rows.join('\n')}</table></div>`;
}

async function mistakes(view: View): Promise<string> {
  const { worst = [] } = view.predictions ?? {};
  if (worst.length === 0) return '';
  const figures = worst.map(async ({ image, label, guess, probability }) => {
    const source = await thumbnail(view.picture(image));
    return `<figure><img alt="" src="${source}"><figcaption>${nameOf(view, guess)} ${percent(probability, 0)}<br><span class="wrong">is ${nameOf(view, label)}</span></figcaption></figure>`;
  });
  return `<h2>The surest mistakes</h2><p class="soft">Validation images, what they were taken for and what they are.</p>
<div class="images">${(await Promise.all(figures)).join('\n')}</div>`;
}

function gates({ excitations, names }: View): string {
  if (excitations === undefined || excitations instanceof UnsupportedError) return '';
  if (excitations instanceof Error) throw excitations;
  const figures = lastOfStages(excitations.blocks.map(({ name }) => name)).map((block) =>
    excitationFigure(excitations, { block, names, ...CHART }),
  );
  return `<h2>Excitations by stage</h2><p class="soft">Mean gates of the last SE block of each stage by class, over ${excitations.all.count} validation images.</p>
<div class="charts">${figures.join('\n')}</div>`;
}

function setup({ config }: View): string {
  if (config === undefined) return '';
  const text = escapeText(JSON.stringify(config, undefined, 2));
  return `<details><summary>Configuration</summary><pre>${text}</pre></details>`;
}

/** A part of the page. */
export interface Section {
  readonly id: string;
  /** Differs whenever the HTML may. */
  version(): number;
  /** Says what went wrong where it cannot be made. */
  html(): Promise<string>;
}

function section(
  view: View,
  id: string,
  version: () => number,
  render: (view: View) => string | Promise<string>,
) {
  let made: { readonly version: number; readonly html: Promise<string> } | undefined;
  const attempt = async () => {
    try {
      return await render(view);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `<p class="wrong">The part ‘${id}’ cannot be shown: ${escapeText(reason)}</p>`;
    }
  };
  return {
    id,
    version,
    html: () => {
      const now = version();
      if (made?.version !== now) made = { version: now, html: attempt() };
      return made.html;
    },
  };
}

/** The parts in their order. */
export function sectionsOf(view: View): readonly Section[] {
  const { tracker } = view;
  const always = () => 0;
  const byStep = () => tracker.loss.count;
  const byEpoch = () => tracker.epochChanges;
  return [
    section(view, 'head', () => tracker.changes, head),
    section(view, 'steps', byStep, steps),
    section(view, 'epochs', byEpoch, epochs),
    section(view, 'confusion', byEpoch, confusion),
    section(view, 'mistakes', byEpoch, mistakes),
    section(view, 'gates', byEpoch, gates),
    section(view, 'setup', always, setup),
  ];
}
