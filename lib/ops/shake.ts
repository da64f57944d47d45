import { f32 } from '../ir/graph.ts';
import { type Op, type OpNode, pick } from './op.ts';

/** What the gradient's share of the first branch is: another random number, or a half. */
export const shakeBackwards = ['shake', 'even'] as const;
export type ShakeBackward = (typeof shakeBackwards)[number];

const attributes = ['backward', 'stream', 'gradientStream'] as const;

function readAttributes(node: OpNode): void {
  node.text('backward', shakeBackwards);
  node.integer('stream', 0);
  node.integer('gradientStream', 0);
  node.expect(1 + Number(node.op === 'shake'), [2], 'two 32-bit key words');
}

/**
 * Shake-Shake (Gastaldi 2017): `share * a + (1 - share) * b` with a random share in [0, 1) for each image, a pure function
 * of the key, the stream (one per layer) and the image's index (Philox4x32-10).
 *
 * What the branches get of the gradient is on purpose not its derivative: they share it by a number of their own, drawn
 * from `gradientStream`, or by halves.
 */
export const shake: Op = {
  name: 'shake',
  inputs: ['a', 'b', 'key'],
  infer(node) {
    const { shape } = node.input(0);
    node.expect(1, shape, 'the shape of a');
    readAttributes(node);
    return [f32(...shape)];
  },
  gradient(c) {
    const parts = c.emit('shake_grad', [c.gradient(0), c.input(2)], pick(c.attributes, ...attributes));
    parts.forEach((part, i) => {
      c.give(i, part);
    });
  },
};

export const shakeGrad: Op = {
  name: 'shake_grad',
  inputs: ['dy', 'key'],
  infer(node) {
    const { shape } = node.input(0);
    readAttributes(node);
    return [f32(...shape), f32(...shape)];
  },
};
