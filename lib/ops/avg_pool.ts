import { f32 } from '../ir/graph.ts';
import { type Op, pick } from './op.ts';
import { gradShape, inferPool, poolGeometry, spatialSize } from './pool_geometry.ts';

/** Average over windows; the divisor counts padding only with `countIncludePad`. */
export const avgPool: Op = {
  name: 'avg_pool',
  inputs: ['x'],
  infer(node) {
    node.flag('countIncludePad');
    return [f32(...inferPool(node))];
  },
  gradient(c) {
    const size = spatialSize(c.type(c.input(0)).shape);
    const attributes = { ...pick(c.attributes, ...poolGeometry, 'ceil', 'countIncludePad'), size };
    c.give(0, c.emit('avg_pool_grad', [c.gradient(0)], attributes)[0]!);
  },
};

export const avgPoolGrad: Op = {
  name: 'avg_pool_grad',
  inputs: ['dy'],
  infer: (node) => [f32(...gradShape(node, node.map(0)))],
};
