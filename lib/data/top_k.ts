import { ArgumentError, ShapeError } from '../errors.ts';
import { requireWhole } from './check.ts';

/** A class that an image may be of. */
export interface Guess {
  /** Class index. */
  readonly index: number;
  readonly probability: number;
  /** What the class is called; the index as text where no names were given. */
  readonly name: string;
}

/**
 * The classes with the largest probabilities, largest first, of equal ones the lower index first; all of them if there
 * are fewer than k.
 *
 * @param probabilities `[classes]`, of one image; of several images give one part, `all.subarray(i * n, (i + 1) * n)`
 * @param classes names by class index
 * @example
 * const [best] = topK(await model.predict('photo.jpg'), 5, imagenetClasses);
 * @throws ShapeError if there is not a name for each probability
 */
export function topK(probabilities: Float32Array, k: number, classes?: readonly string[]): Guess[] {
  if (!(probabilities instanceof Float32Array)) {
    throw new ArgumentError(`topK: probabilities: expected a Float32Array, received ${typeof probabilities}`);
  }
  requireWhole('topK: k', k, 1, 2 ** 31 - 1);
  if (classes !== undefined && classes.length !== probabilities.length) {
    throw new ShapeError(
      `topK: classes: expected ${probabilities.length} names, one per probability, received ${classes.length}`,
    );
  }
  return Array.from(probabilities, (probability, index) => ({
    index,
    probability,
    name: classes?.[index] ?? String(index),
  }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, k);
}
