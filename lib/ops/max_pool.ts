import { f32, u8 } from '../ir/graph.ts';
import { type Op, pick } from './op.ts';
import { gradShape, inferPool, poolGeometry, spatialSize } from './pool_geometry.ts';

/** Maximum over windows; padding never wins, the first of equals does. */
export const maxPool: Op = {
  name: 'max_pool',
  inputs: ['x'],
  trainingAttributes: { training: true },
  infer(node) {
    const shape = inferPool(node);
    const [kh, kw] = node.integers('kernel', 2, 1) as [number, number];
    if (kh * kw > 255) node.fail(0, 'a window of at most 255 cells', `${kh}x${kw}`);
    return [f32(...shape), node.flag('training') ? u8(...shape) : undefined];
  },
  gradient(c) {
    const size = spatialSize(c.type(c.input(0)).shape);
    const attributes = { ...pick(c.attributes, ...poolGeometry), size };
    c.give(0, c.emit('max_pool_grad', [c.gradient(0), c.output(1)], attributes)[0]!);
  },
};

export const maxPoolGrad: Op = {
  name: 'max_pool_grad',
  inputs: ['dy', 'index'],
  infer: (node) => [f32(...gradShape(node, node.map(0)))],
};
