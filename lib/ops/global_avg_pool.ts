import { f32 } from '../ir/graph.ts';
import type { Op } from './op.ts';
import { gradShape, spatialSize } from './pool_geometry.ts';

/** Mean over the positions of a map: the squeeze. */
export const globalAvgPool: Op = {
  name: 'global_avg_pool',
  inputs: ['x'],
  infer(node) {
    const [n, , , c] = node.map(0);
    return [f32(n, c)];
  },
  gradient(c) {
    const size = spatialSize(c.type(c.input(0)).shape);
    c.give(0, c.emit('global_avg_pool_grad', [c.gradient(0)], { size })[0]!);
  },
};

export const globalAvgPoolGrad: Op = {
  name: 'global_avg_pool_grad',
  inputs: ['dy'],
  infer: (node) => [f32(...gradShape(node, node.vector(0)))],
};
