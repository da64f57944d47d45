import { activationKinds } from '../../lib/ops/activation.ts';
import { data, type OpCase } from './case.ts';

const activation = (kind: string, name: string, shape: number[], deviation = 1): OpCase => ({
  name: `${kind}, ${name}`,
  op: 'activation',
  inputs: [data(shape, { fill: 'apart', deviation })],
  attributes: { kind },
  gradient: true,
  integers: kind === 'relu' || kind === 'relu6',
});

export const cases: OpCase[] = activationKinds.flatMap((kind) => [
  activation(kind, 'one element', [1, 1, 1, 1]),
  activation(kind, 'map', [2, 3, 5, 7]),
  activation(kind, 'blocks', [2, 3, 3, 16]),
  activation(kind, 'vector', [3, 11]),
  activation(kind, 'saturated', [2, 3, 3, 5], 15),
]);
