import { f32, formatShape } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** The numbers that bytes stand for, 256 for each channel: y[n, h, w, c] = table[256 c + pixels[n, h, w, c]]. */
export const normalisePixels: Op = {
  name: 'normalise_pixels',
  inputs: ['pixels', 'table'],
  infer(node) {
    const shape = node.map(0);
    const { dtype } = node.input(0);
    if (dtype !== 'u8') node.fail(0, 'bytes', `${dtype} ${formatShape(shape)}`);
    node.expect(1, [256 * shape[3]], '256 numbers for each channel');
    return [f32(...shape)];
  },
};
