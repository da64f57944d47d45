import { f32 } from '../ir/graph.ts';
import { type Op, pick } from './op.ts';

/** A constant times a map or vector. */
export const scale: Op = {
  name: 'scale',
  inputs: ['x'],
  infer(node) {
    node.number('factor');
    return [f32(...node.input(0).shape)];
  },
  gradient(c) {
    c.give(0, c.emit('scale', [c.gradient(0)], pick(c.attributes, 'factor'))[0]!);
  },
};
