/** The formula that fixtures made with PyTorch compute images and weights by. */
import { type RefTensor, tensor } from '../reference/index.ts';

/** scale * sin(0.7 (i + 1) (1 + 0.001 i) + phase of the name) + shift, rounded to float32. */
export function values(name: string, shape: readonly number[], scale = 1, shift = 0): RefTensor {
  const phase = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0) * 0.13, 0);
  const result = tensor(shape);
  for (let i = 0; i < result.data.length; i += 1) {
    result.data[i] = Math.fround(scale * Math.sin(0.7 * (i + 1) * (1 + 0.001 * i) + phase) + shift);
  }
  return result;
}
