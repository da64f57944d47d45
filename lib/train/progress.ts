import type { Callback, EpochLogs, StepLogs } from './callbacks.ts';
import { checkOptions } from './check.ts';

const BAR_WIDTH = 24;
const REDRAW_MS = 100;

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Seconds as people say them. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  return s < 3600
    ? `${Math.floor(s / 60)} min ${s % 60} s`
    : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function bar(logs: StepLogs, samples: number, started: number): string {
  const seconds = (performance.now() - started) / 1000;
  const done = logs.step + 1;
  const rate = `${(samples / seconds).toFixed(0)} images/s`;
  const numbers = `loss ${logs.loss.toFixed(4)}  lr ${logs.lr.toPrecision(3)}  ${rate}`;
  if (logs.steps === undefined) return `epoch ${logs.epoch + 1}  step ${done}  ${numbers}`;
  const filled = Math.round((BAR_WIDTH * done) / logs.steps);
  const left = duration((seconds / done) * (logs.steps - done));
  const picture = '='.repeat(filled) + ' '.repeat(BAR_WIDTH - filled);
  return `epoch ${logs.epoch + 1} [${picture}] ${done}/${logs.steps}  ${numbers}  ${left} left`;
}

function epochLine(logs: EpochLogs): string {
  const parts = [
    `epoch ${logs.epoch + 1}/${logs.epochs}`,
    `loss ${logs.loss.toFixed(4)}`,
    `top-1 ${percent(logs.top1)}`,
    logs.validation === undefined
      ? []
      : [`validation loss ${logs.validation.loss.toFixed(4)}`, `top-1 ${percent(logs.validation.top1)}`],
    `lr ${logs.lr.toPrecision(3)}`,
    `${logs.samplesPerSecond.toFixed(0)} images/s`,
    duration(logs.seconds),
  ];
  return parts.flat().join('  ');
}

/**
 * Shows how a run gets on: a bar for the running epoch on a terminal, and a line for each epoch everywhere.
 *
 * @param options.stream Where to write; default `process.stderr`.
 */
export function progress(options: { stream?: NodeJS.WriteStream } = {}): Callback {
  checkOptions('progress', options, ['stream']);
  const stream = options.stream ?? process.stderr;
  const terminal = stream.isTTY === true && process.env['CI'] === undefined;
  let started = 0;
  let samples = 0;
  let drawn = 0;
  const clear = () => {
    if (terminal) stream.write('\r\x1b[2K');
  };
  return {
    onEpochBegin() {
      started = performance.now();
      samples = 0;
      drawn = 0;
    },
    onStepEnd(logs) {
      samples += logs.samples;
      if (!terminal || performance.now() - drawn < REDRAW_MS) return;
      drawn = performance.now();
      clear();
      stream.write(bar(logs, samples, started).slice(0, Math.max((stream.columns ?? 80) - 1, 20)));
    },
    onEpochEnd(logs) {
      clear();
      stream.write(`${epochLine(logs)}\n`);
    },
    onTrainEnd: clear,
  };
}
