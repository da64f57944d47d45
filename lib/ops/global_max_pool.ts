import { f32, i32 } from '../ir/graph.ts';
import type { Op } from './op.ts';
import { gradShape, spatialSize } from './pool_geometry.ts';

/** Maximum over the positions of a map. */
export const globalMaxPool: Op = {
  name: 'global_max_pool',
  inputs: ['x'],
  trainingAttributes: { training: true },
  infer(node) {
    const [n, , , c] = node.map(0);
    return [f32(n, c), node.flag('training') ? i32(n, c) : undefined];
  },
  gradient(c) {
    const size = spatialSize(c.type(c.input(0)).shape);
    c.give(0, c.emit('global_max_pool_grad', [c.gradient(0), c.output(1)], { size })[0]!);
  },
};

export const globalMaxPoolGrad: Op = {
  name: 'global_max_pool_grad',
  inputs: ['dy', 'index'],
  infer: (node) => [f32(...gradShape(node, node.vector(0)))],
};
