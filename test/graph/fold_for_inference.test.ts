/** What inference makes of a norm, an activation and an SE block behind a convolution gives what they give. */
import { expect, test } from 'vitest';
import { foldForInference } from '../../lib/graph/passes/fold_for_inference.ts';
import { conv2d, defineModel, globalAvgPool, linear, normActivation } from '../../lib/index.ts';
import { sizeOf } from '../../lib/ir/graph.ts';
import { activationKinds } from '../../lib/ops/activation.ts';
import { expectClose } from '../helpers/close.ts';
import { Random } from '../helpers/random.ts';
import { interpret, tensor } from '../reference/index.ts';

test.each(activationKinds)('normActivation with %s folds into the convolution', (activation) => {
  const { graph } = defineModel({ input: [5, 4, 3] }, (x) => {
    const first = normActivation(conv2d(x, { filters: 6, kernel: 3, bias: false }), { activation });
    const second = normActivation(conv2d(first, { filters: 8, kernel: 1 }), {
      activation,
      squeezeExcite: { reducedWidth: 2, hidden: 'silu', gate: 'hard_sigmoid' },
    });
    return linear(globalAvgPool(second), { units: 2 });
  });
  const folded = foldForInference(graph);
  expect(folded.nodes.filter(({ op }) => op.startsWith('norm_'))).toEqual([]);
  const separate = folded.nodes.filter(({ op }) => op === 'activation').length;
  expect(separate).toBe(activation === 'relu' ? 0 : 2);

  const random = new Random(activation);
  const feeds = new Map(
    graph.values
      .filter(({ kind }) => kind !== 'intermediate')
      .map(({ name, shape }) => {
        const values = Float64Array.from({ length: sizeOf(shape) }, () => random.uniform(0.1, 1));
        return [name, tensor(shape, values)];
      }),
  );
  const [expected] = interpret(graph, feeds);
  const [actual] = interpret(folded, feeds);
  expectClose(Float32Array.from(actual!.data), expected!, { reduction: 60, dtype: 'f32' });
});
