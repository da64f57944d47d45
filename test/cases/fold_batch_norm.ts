import { norm, type OpCase, perChannel, weight } from './case.ts';

const fold = (name: string, shape: number[], bias: boolean, eps = 1e-5): OpCase => ({
  name,
  op: 'fold_batch_norm',
  inputs: [weight(...shape), bias ? perChannel(shape[0]!) : undefined, ...norm(shape[0]!)],
  attributes: { eps },
  gradient: false,
});

export const cases: OpCase[] = [
  fold('one element', [1, 1, 1, 1], false),
  fold('1x1', [5, 7, 1, 1], false),
  fold('3x3, bias', [9, 4, 3, 3], true),
  fold('depthwise', [16, 1, 3, 3], false),
  fold('linear', [6, 11], true, 1e-3),
];
