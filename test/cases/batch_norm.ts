import { constantChannel, data, hugeMean, type InputSpec, norm, type OpCase } from './case.ts';

interface Options {
  training?: boolean;
  eps?: number;
  x?: Partial<InputSpec>;
  gradient?: boolean;
  tolerance?: OpCase['tolerance'];
}

function batchNorm(name: string, shape: number[], options: Options = {}): OpCase {
  const { training = true, eps = 1e-5, x = {}, gradient = true, tolerance } = options;
  return {
    name,
    op: 'batch_norm',
    inputs: [data(shape, { mean: 0.3, deviation: 1.5, ...x }), ...norm(shape.at(-1)!)],
    attributes: { eps, training },
    gradient: gradient && [0, 1, 2],
    ...(tolerance && { tolerance }),
  };
}

const eval_: Options = { training: false };

export const cases: OpCase[] = [
  batchNorm('one element', [1, 1, 1, 1], { gradient: false }),
  batchNorm('one position, constant at its mean', [1, 1, 1, 9], { gradient: false }),
  batchNorm('one channel', [2, 3, 4, 1]),
  batchNorm('batch 1', [1, 4, 5, 3]),
  batchNorm('prime sizes', [3, 5, 7, 11]),
  batchNorm('one block', [2, 4, 4, 8]),
  batchNorm('blocks', [2, 3, 5, 24]),
  batchNorm('above a block', [2, 3, 3, 17]),
  batchNorm('many positions', [2, 23, 29, 2]),
  batchNorm('vector', [7, 5]),
  batchNorm('vector of blocks', [9, 16]),
  batchNorm('large eps', [2, 3, 3, 4], { eps: 0.1 }),
  batchNorm('a channel that is constant', [3, 4, 4, 3], constantChannel),
  batchNorm('a channel of zeros', [3, 4, 4, 3], { x: { constant: { channel: 2, value: 0 } } }),
  batchNorm('huge mean', [3, 5, 5, 4], hugeMean),
  batchNorm('tiny deviation', [3, 5, 5, 4], { x: { mean: 0, deviation: 1e-4 }, eps: 1e-5 }),
  batchNorm('eval, one element', [1, 1, 1, 1], eval_),
  batchNorm('eval, batch 1', [1, 3, 2, 5], eval_),
  batchNorm('eval, blocks', [2, 4, 3, 16], eval_),
  batchNorm('eval, above a block', [2, 3, 3, 11], eval_),
  batchNorm('eval, vector', [4, 9], eval_),
];
