/** The formula that scripts of test/fixtures compute their inputs and weights by, in place of files with them. */
import { type RefTensor, tensor } from '../reference/index.ts';

/**
 * `scale * sin(0.7 (i + 1) (1 + 0.001 i) + phase) + shift` for element i; the phase sums the letters of the name. The
 * values repeat after `period` elements.
 */
export function values(
  name: string,
  shape: readonly number[],
  scale = 1,
  shift = 0,
  period = Number.POSITIVE_INFINITY,
): RefTensor {
  const phase = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0) * 0.13, 0);
  const result = tensor(shape);
  for (let i = 0; i < result.data.length; i += 1) {
    if (i >= period) {
      result.data[i] = result.data[i - period]!;
      continue;
    }
    result.data[i] = Math.fround(scale * Math.sin(0.7 * (i + 1) * (1 + 0.001 * i) + phase) + shift);
  }
  return result;
}
