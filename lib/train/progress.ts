import type { Callback, EpochLogs, StepLogs } from './callbacks.ts';
import { checkOptions } from './check.ts';

const BAR_WIDTH = 24;
/** Between two bars on a terminal, and between two lines elsewhere. */
const REDRAW_MS = { terminal: 100, elsewhere: 60_000 };

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Seconds as people say them. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes} min ${s % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The running epoch as far as this process has trained it. */
class EpochMeter {
  readonly #started = performance.now();
  #samples = 0;
  #steps = 0;
  #loss = 0;
  #top1 = 0;

  add({ samples, loss, top1 }: StepLogs): void {
    this.#samples += samples;
    this.#steps += 1;
    this.#loss += samples * loss;
    this.#top1 += samples * top1;
  }

  get secondsPerStep(): number {
    return this.#seconds / this.#steps;
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Means so far, rate and memory. */
  numbers(lr: number): string {
    return [
      `loss ${(this.#loss / this.#samples).toFixed(4)}`,
      `top-1 ${percent(this.#top1 / this.#samples)}`,
      `lr ${lr.toPrecision(3)}`,
      `${(this.#samples / this.#seconds).toFixed(0)} images/s`,
      `${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MB`,
    ].join('  ');
  }
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
 * Shows how a run gets on: a line for each epoch; within it a bar on a terminal and a line each minute elsewhere, with
 * means of the epoch so far, images a second, the process's memory, and the time that is left of the epoch and of the run.
 *
 * @param options.stream Where to write; default `process.stderr`.
 */
export function progress(options: { stream?: NodeJS.WriteStream } = {}): Callback {
  checkOptions('progress', options, ['stream']);
  const stream = options.stream ?? process.stderr;
  const terminal = stream.isTTY === true && process.env['CI'] === undefined;
  let epochs = 0;
  let meter = new EpochMeter();
  let drawn = 0;
  let lastEpochSeconds: number | undefined;

  const clear = () => {
    if (terminal) stream.write('\r\x1b[2K');
  };
  const timeLeft = ({ epoch, step, steps }: StepLogs): string => {
    if (steps === undefined) return '';
    const left = meter.secondsPerStep * (steps - step - 1);
    const later = (lastEpochSeconds ?? meter.secondsPerStep * steps) * (epochs - epoch - 1);
    return `  ${duration(left)} left${later > 0 ? `, ${duration(left + later)} in all` : ''}`;
  };
  const line = (logs: StepLogs): string => {
    const place = `epoch ${logs.epoch + 1}/${epochs}`;
    const rest = `${meter.numbers(logs.lr)}${timeLeft(logs)}`;
    const done = logs.step + 1;
    if (logs.steps === undefined) return `${place}  step ${done}  ${rest}`;
    const filled = Math.round((BAR_WIDTH * done) / logs.steps);
    const picture = terminal ? ` [${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}]` : ' ';
    return `${place}${picture} ${done}/${logs.steps}  ${rest}`;
  };

  return {
    onTrainBegin(run) {
      ({ epochs } = run);
    },
    onEpochBegin() {
      meter = new EpochMeter();
      drawn = terminal ? 0 : performance.now();
    },
    onStepEnd(logs) {
      meter.add(logs);
      if (performance.now() - drawn < (terminal ? REDRAW_MS.terminal : REDRAW_MS.elsewhere)) return;
      drawn = performance.now();
      clear();
      if (terminal) stream.write(line(logs).slice(0, Math.max((stream.columns ?? 80) - 1, 20)));
      else stream.write(`${line(logs)}\n`);
    },
    onEpochEnd(logs) {
      lastEpochSeconds = logs.seconds;
      clear();
      stream.write(`${epochLine(logs)}\n`);
    },
    onTrainEnd: clear,
  };
}
