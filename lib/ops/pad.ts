import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** Rows and columns of zeros around a map, `padding` [top, bottom, left, right]; a negative number cuts as many off. */
export const pad: Op = {
  name: 'pad',
  inputs: ['x'],
  infer(node) {
    const [n, h, w, c] = node.map(0);
    const [top, bottom, left, right] = node.integers('padding', 4, -(2 ** 31 - 1)) as [
      number,
      number,
      number,
      number,
    ];
    const [height, width] = [h + top + bottom, w + left + right];
    if (height < 1 || width < 1) {
      node.fail(0, `a map that something is left of by [${top}, ${bottom}, ${left}, ${right}]`, `${h}x${w}`);
    }
    return [f32(n, height, width, c)];
  },
  gradient(c) {
    const padding = (c.attributes['padding'] as readonly number[]).map((side) => 0 - side);
    c.give(0, c.emit('pad', [c.gradient(0)], { padding })[0]!);
  },
};
