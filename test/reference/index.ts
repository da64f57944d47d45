/** The float64 reference: every op straight from its definition, and an interpreter of whole graphs. */
import { ABSENT, formatShape, type Graph, sameShape } from '../../lib/ir/graph.ts';
import { reference as accumulate } from './accumulate.ts';
import { reference as activation } from './activation.ts';
import { reference as adamw } from './adamw.ts';
import { reference as add } from './add.ts';
import { reference as assertFinite } from './assert_finite.ts';
import { reference as avgPool } from './avg_pool.ts';
import { reference as batchNorm } from './batch_norm.ts';
import { reference as channelShuffle } from './channel_shuffle.ts';
import { reference as channelSlice } from './channel_slice.ts';
import { reference as clipFactor } from './clip_factor.ts';
import { reference as concat } from './concat.ts';
import { reference as conv2d } from './conv2d.ts';
import { reference as dropout } from './dropout.ts';
import { reference as emaUpdate } from './ema_update.ts';
import { reference as excite } from './excite.ts';
import { reference as fill } from './fill.ts';
import { reference as flatten } from './flatten.ts';
import { reference as foldBatchNorm } from './fold_batch_norm.ts';
import { reference as globalAvgPool } from './global_avg_pool.ts';
import { reference as globalMaxPool } from './global_max_pool.ts';
import { reference as linear } from './linear.ts';
import { reference as matmul } from './matmul.ts';
import { reference as maxPool } from './max_pool.ts';
import { reference as multiply } from './multiply.ts';
import { reference as normActivation } from './norm_activation.ts';
import { reference as normTail } from './norm_tail.ts';
import { reference as normalisePixels } from './normalise_pixels.ts';
import { reference as pad } from './pad.ts';
import { reference as reshape } from './reshape.ts';
import { reference as runningUpdate } from './running_update.ts';
import { reference as scale } from './scale.ts';
import { reference as sgd } from './sgd.ts';
import { reference as shake } from './shake.ts';
import { reference as softmax } from './softmax.ts';
import { reference as softmaxCrossEntropy } from './softmax_cross_entropy.ts';
import { reference as squeezeExcite } from './squeeze_excite.ts';
import type { References, RefTensor, Slots } from './tensor.ts';
import { reference as topKCorrect } from './top_k_correct.ts';

export { type RefTensor, type Slots, tensor } from './tensor.ts';

/** Every op by name. */
export const reference: References = {
  ...accumulate,
  ...activation,
  ...adamw,
  ...add,
  ...assertFinite,
  ...avgPool,
  ...batchNorm,
  ...channelShuffle,
  ...channelSlice,
  ...clipFactor,
  ...concat,
  ...conv2d,
  ...dropout,
  ...emaUpdate,
  ...excite,
  ...fill,
  ...flatten,
  ...foldBatchNorm,
  ...globalAvgPool,
  ...globalMaxPool,
  ...linear,
  ...matmul,
  ...maxPool,
  ...multiply,
  ...normActivation,
  ...normTail,
  ...normalisePixels,
  ...pad,
  ...reshape,
  ...runningUpdate,
  ...scale,
  ...sgd,
  ...shake,
  ...softmax,
  ...softmaxCrossEntropy,
  ...squeezeExcite,
  ...topKCorrect,
};

/** Runs one op; outputs that its attributes switch off are undefined. */
export function evaluate(op: string, inputs: Slots, attributes: Graph['nodes'][number]['attributes']) {
  const compute = reference[op];
  if (compute === undefined) throw new Error(`the reference has no op ${op}`);
  return compute(inputs, attributes);
}

/**
 * Runs a graph. `feeds` holds each input, parameter and state by value id or by name; ops that change values in
 * place (sgd, running_update) change the tensors in `feeds`.
 *
 * @returns every graph output, in order.
 * @throws if a computed shape differs from the one that the graph declares.
 */
export function interpret(graph: Graph, feeds: ReadonlyMap<number | string, RefTensor>): RefTensor[] {
  const values = new Map<number, RefTensor>();
  const set = (id: number, value: RefTensor, source: string): void => {
    const declared = graph.values[id]!;
    if (!sameShape(declared.shape, value.shape)) {
      const shapes = `${formatShape(declared.shape)}, received ${formatShape(value.shape)}`;
      throw new Error(`${source}: value ${id} (${declared.name}): expected ${shapes}`);
    }
    values.set(id, value);
  };
  const get = (id: number): RefTensor => {
    const value = values.get(id);
    if (value === undefined)
      throw new Error(`value ${id} (${graph.values[id]?.name}) is used before it is there`);
    return value;
  };
  for (const { id, name, kind } of graph.values) {
    const value = feeds.get(id) ?? feeds.get(name);
    if (kind !== 'intermediate' && value !== undefined) set(id, value, 'feeds');
  }
  for (const { op, layer, inputs, outputs, attributes } of graph.nodes) {
    const results = evaluate(
      op,
      inputs.map((id) => (id === ABSENT ? undefined : get(id))),
      attributes,
    );
    outputs.forEach((id, position) => {
      const result = results[position];
      if (id === ABSENT) return;
      if (result === undefined) throw new Error(`${op} (${layer}): output ${position} is off but wanted`);
      set(id, result, `${op} (${layer})`);
    });
  }
  return graph.outputs.map(get);
}
