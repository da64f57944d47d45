import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';

/** Joins maps or vectors along their channels. */
export const concat: Op = {
  name: 'concat',
  inputs: ['...xs'],
  infer(node) {
    const first = node.input(0).shape;
    if (first.length !== 4 && first.length !== 2) node.fail(0, 'a feature map or a vector', first.join('x'));
    const rest = first.slice(0, -1);
    let channels = 0;
    node.types.forEach((_, i) => {
      const { shape } = node.input(i);
      if (shape.length !== first.length || rest.some((d, axis) => d !== shape[axis])) {
        node.fail(i, `${rest.join('x')}x(any channels), as the first input`, shape.join('x'));
      }
      channels += shape.at(-1)!;
    });
    return [f32(...rest, channels)];
  },
  gradient(c) {
    let start = 0;
    c.inputs.forEach((id, i) => {
      const end = start + c.type(id).shape.at(-1)!;
      if (c.wants(i)) c.give(i, c.emit('channel_slice', [c.gradient(0)], { start, end })[0]!);
      start = end;
    });
  },
};
