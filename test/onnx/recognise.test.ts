/** Norms with activations are found in the plain ops that they decompose into. */
import { expect, test } from 'vitest';
import { decompose } from '../../lib/graph/passes/decompose.ts';
import { prune } from '../../lib/graph/rewrite.ts';
import { conv2d, defineModel, globalAvgPool, linear, normActivation } from '../../lib/index.ts';
import { recogniseTails } from '../../lib/onnx/recognise.ts';
import { activationKinds } from '../../lib/ops/activation.ts';

const FUSED = ['norm_activation', 'norm_tail', 'squeeze_excite', 'excite'];

test.each(activationKinds)('%s, alone and with SE behind it', (activation) => {
  const { graph } = defineModel({ input: [5, 4, 3] }, (x) => {
    // A ReLU alone would be a tail.
    const alone = activation === 'relu' ? 'silu' : activation;
    const first = normActivation(conv2d(x, { filters: 6, kernel: 3, bias: false }), { activation: alone });
    const squeezeExcite = { reducedWidth: 2, hidden: 'silu', gate: 'hard_sigmoid' } as const;
    const second = normActivation(conv2d(first, { filters: 8, kernel: 1 }), { activation, squeezeExcite });
    return linear(globalAvgPool(second), { units: 2 });
  });
  const plain = prune(decompose(graph, (op) => FUSED.includes(op)));
  expect(plain.nodes.some(({ op }) => FUSED.includes(op))).toBe(false);
  const found = recogniseTails(plain);
  expect(found.nodes.map(({ op }) => op)).toEqual(graph.nodes.map(({ op }) => op));
  expect(found.nodes.at(3)?.attributes).toEqual(graph.nodes[3]!.attributes);
  const names = (id: number, { values } = graph) => values[id]!.name;
  expect(
    found.nodes
      .at(3)
      ?.inputs.slice(1)
      .map((id) => names(id, found)),
  ).toEqual(graph.nodes[3]!.inputs.slice(1).map((id) => names(id)));
});
