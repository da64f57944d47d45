import { floatImages, type PreparedImages } from '../data/batch.ts';
import type { Callback, ValidationBatch } from './callbacks.ts';
import { checkOptions, checkWhole } from './check.ts';

/** How often images of one class were taken for another, or for what they are. */
export interface ConfusionCount {
  readonly label: number;
  readonly guess: number;
  readonly count: number;
}

/** An image that was taken for what it is not. */
export interface Mistake {
  /** `[H, W, C]`, normalised as the network saw it. */
  readonly image: Float32Array;
  readonly label: number;
  readonly guess: number;
  /** Probability of the guess. */
  readonly probability: number;
}

/** What a network made of validation data. */
export interface Predictions {
  readonly samples: number;
  /** Pairs of classes that came up; those of one label and guess are what was right. */
  readonly confusion: readonly ConfusionCount[];
  /** The mistakes with the most probable guesses, those first. */
  readonly worst: readonly Mistake[];
}

/** What {@link predictionReport} returns. */
export interface PredictionReport extends Callback {
  /** Of the last epoch that was validated, if any was. */
  readonly last: Predictions | undefined;
}

function indexOfLargest(values: Float32Array | Int32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Predictions of one pass over the validation data. */
class Gathering {
  samples = 0;
  /** Counts by guess by label. */
  readonly #counts = new Map<number, Map<number, number>>();
  readonly #worst: Mistake[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add({ images, labels, size, probabilities, ...rest }: ValidationBatch): void {
    const [pixels, classes] = [images.length / size, probabilities.length / size];
    for (let n = 0; n < size; n += 1) {
      const row = probabilities.subarray(n * classes, (n + 1) * classes);
      const guess = indexOfLargest(row);
      const label =
        labels instanceof Int32Array
          ? labels[n]!
          : indexOfLargest(labels.subarray(n * classes, (n + 1) * classes));
      const counts = this.#counts.get(label) ?? new Map<number, number>();
      this.#counts.set(label, counts.set(guess, (counts.get(guess) ?? 0) + 1));
      if (guess === label) continue;
      const image = { ...rest, images: images.subarray(n * pixels, (n + 1) * pixels) };
      this.#keep({ label, guess, probability: row[guess]! }, image);
    }
    this.samples += size;
  }

  /** Keeps a mistake that is worse than one of those kept. */
  #keep(mistake: Omit<Mistake, 'image'>, image: PreparedImages): void {
    const place = this.#worst.findIndex(({ probability }) => probability < mistake.probability);
    const index = place < 0 ? this.#worst.length : place;
    if (index >= this.#most) return;
    this.#worst.splice(index, 0, { ...mistake, image: new Float32Array(floatImages(image)) });
    this.#worst.length = Math.min(this.#worst.length, this.#most);
  }

  finish(): Predictions {
    const confusion = [...this.#counts].flatMap(([label, counts]) =>
      [...counts].map(([guess, count]) => ({ label, guess, count })),
    );
    return {
      samples: this.samples,
      confusion: confusion.sort((a, b) => a.label - b.label || a.guess - b.guess),
      worst: this.#worst,
    };
  }
}

/**
 * Gathers what a network makes of the validation data in each epoch, while it is validated: which classes it takes for
 * which, and its surest mistakes. The class of a soft label is the one with the largest share.
 *
 * @param options.worst mistakes to keep with their images; default 12
 * @example
 * const report = predictionReport();
 * await model.fit(train, { epochs: 5, validation, callbacks: [report] });
 * for (const { label, guess, probability } of report.last?.worst ?? []) console.log(label, guess, probability);
 */
export function predictionReport(options: { worst?: number } = {}): PredictionReport {
  checkOptions('predictionReport', options, ['worst']);
  const worst = checkWhole('predictionReport: worst', options.worst ?? 12, 0);
  let gathering = new Gathering(worst);
  let last: Predictions | undefined;
  return {
    get last() {
      return last;
    },
    onEpochBegin() {
      gathering = new Gathering(worst);
    },
    onValidationBatch(batch) {
      gathering.add(batch);
    },
    onEpochEnd() {
      if (gathering.samples > 0) last = gathering.finish();
      return undefined;
    },
  };
}
