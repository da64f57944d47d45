import { checkNumber, checkOptions } from './check.ts';

/** Cross-entropy over the softmax of the logits; made by {@link crossEntropy}. */
export interface Loss {
  readonly kind: 'crossEntropy';
  readonly labelSmoothing: number;
}

/**
 * Softmax cross-entropy, averaged over the batch; labels are class indices or distributions over the classes.
 *
 * @param options.labelSmoothing Share of the target spread evenly over all classes, in [0, 1); default 0.
 */
export function crossEntropy(options: { labelSmoothing?: number } = {}): Loss {
  checkOptions('crossEntropy', options, ['labelSmoothing']);
  const labelSmoothing = checkNumber('crossEntropy: labelSmoothing', options.labelSmoothing ?? 0, {
    least: 0,
    below: 1,
  });
  return { kind: 'crossEntropy', labelSmoothing };
}
