/** The graphs a model runs: a training step, an evaluation, a prediction; all made from its one forward graph. */
import { ABSENT, f32, type Graph, i32, type Node, type TensorType } from '../ir/graph.ts';
import { findOp } from '../ops/index.ts';
import { differentiate } from './autodiff.ts';
import { GraphBuilder } from './builder.ts';
import { decompose } from './passes/decompose.ts';
import { foldForInference } from './passes/fold_for_inference.ts';
import { fuseNormlessTails } from './passes/fuse_normless_tails.ts';
import { mergeGradientSums } from './passes/merge_gradient_sums.ts';
import { withoutChance } from './passes/without_chance.ts';
import { prune, replay, withBatch } from './rewrite.ts';

/** How labels come: class indices, or a distribution over the classes for each sample. */
export type LabelKind = 'indices' | 'distributions';

export interface TrainingOptions {
  readonly batch: number;
  readonly labels: LabelKind;
  readonly labelSmoothing: number;
  /** Whether parameters have velocities; the momentum itself is an input of each step. */
  readonly momentum: boolean;
  readonly nesterov: boolean;
  /** Share of the batch's statistics in the running ones, PyTorch's convention (0.1). */
  readonly statisticsMomentum: number;
  /** Multiply the loss by a scale that follows what 16-bit gradients can hold. */
  readonly scalesLoss: boolean;
  /** Weight decay of each trained parameter by name; a parameter not named is kept as it is. */
  readonly decays: ReadonlyMap<string, number>;
}

/** Name and shape of the state of dynamic loss scaling. */
export const LOSS_SCALE = { name: 'loss_scale', shape: [2] } as const;

/** Name of the state that holds a parameter's momentum. */
export const velocityName = (parameter: string): string => `${parameter}#velocity`;

const labelType = (kind: LabelKind, batch: number, classes: number): TensorType =>
  kind === 'indices' ? i32(batch) : f32(batch, classes);

/** Emits loss and the counts of correct answers; the loss's name appears in error messages. */
function emitLoss(builder: GraphBuilder, logits: number, labels: LabelKind, smoothing: number) {
  const [batch, classes] = builder.type(logits).shape as [number, number];
  const target = builder.input('labels', labelType(labels, batch, classes));
  builder.layer = 'loss';
  const loss = builder.emit('softmax_cross_entropy', [logits, target], { smoothing })[0]!;
  const top1 = builder.emit('top_k_correct', [logits, target], { k: 1 })[0]!;
  const top5 = builder.emit('top_k_correct', [logits, target], { k: 5 })[0]!;
  return { loss, top1, top5 };
}

/** A norm whose batch statistics move the running ones. */
interface MovingStatistics {
  readonly values: readonly [mean: number, variance: number, batchMean: number, batchVariance: number];
  readonly count: number;
}

/** The running statistics that the norms of a training graph move. */
function movingStatistics(builder: GraphBuilder): MovingStatistics[] {
  const pairsOf = (node: Node): [number, number][] => {
    if (node.op === 'batch_norm' || node.op === 'norm_activation') return [[3, 1]];
    return node.op === 'norm_tail'
      ? [
          [3, 1],
          [8, 3],
        ]
      : [];
  };
  return builder.nodes.flatMap((node) =>
    pairsOf(node)
      .filter(([, output]) => (node.outputs[output] ?? ABSENT) !== ABSENT)
      .map(([input, output]): MovingStatistics => {
        const { shape } = builder.type(node.inputs[0]!);
        const count = shape.slice(0, -1).reduce((a, b) => a * b, 1);
        return {
          values: [
            node.inputs[input]!,
            node.inputs[input + 1]!,
            node.outputs[output]!,
            node.outputs[output + 1]!,
          ],
          count,
        };
      }),
  );
}

/** Copies the forward graph into a builder in its training form; returns the id of the logits. */
export function replayForTraining(builder: GraphBuilder, graph: Graph, batch: number): number {
  // Ops without a gradient of their own are differentiated as what they are made of.
  const plain = decompose(graph, (op) => findOp(op).gradient === undefined);
  const map = replay(
    plain,
    builder,
    ({ node, inputs }) => {
      const extra = findOp(node.op).trainingAttributes;
      if (extra === undefined || node.attributes['frozen'] === true) return undefined;
      return builder.emit(node.op, inputs, { ...node.attributes, ...extra });
    },
    { batch },
  );
  return map[plain.outputs[0]!]!;
}

/** What the gradients are multiplied with: the loss's own, or a scale and its inverse. */
interface Scaling {
  readonly seed: number;
  readonly state: number;
  readonly unscale: number;
}

function emitScaling(builder: GraphBuilder, scalesLoss: boolean): Scaling {
  if (!scalesLoss) {
    const seed = builder.emit('fill', [], { shape: [], value: 1 })[0]!;
    return { seed, state: ABSENT, unscale: ABSENT };
  }
  const state = builder.state(LOSS_SCALE.name, f32(...LOSS_SCALE.shape));
  const [seed, unscale] = builder.emit('loss_scale', [state]) as [number, number];
  return { seed, state, unscale };
}

function emitUpdates(
  builder: GraphBuilder,
  gradients: Map<number, number>,
  { state, unscale }: Scaling,
  options: TrainingOptions,
): void {
  const trained = [...gradients].filter(([, gradient]) => gradient !== ABSENT);
  const all = trained.map(([, gradient]) => gradient);
  builder.layer = 'optimizer';
  if (state === ABSENT) builder.emit('assert_finite', all, { what: 'gradient' });
  else builder.emit('loss_scale_update', [state, ...all]);
  const lr = builder.input('lr', f32());
  const momentum = options.momentum ? builder.input('momentum', f32()) : ABSENT;
  const triples = trained.flatMap(([parameter, gradient]) => {
    const { name, shape } = builder.values[parameter]!;
    const velocity = options.momentum ? builder.state(velocityName(name), f32(...shape)) : ABSENT;
    return [parameter, gradient, velocity];
  });
  const scaled = unscale !== ABSENT;
  builder.emit('sgd', [lr, momentum, ...triples, ...(scaled ? [unscale] : [])], {
    scaled,
    nesterov: options.nesterov,
    rates: trained.map(() => 1),
    decays: trained.map(([parameter]) => options.decays.get(builder.values[parameter]!.name)!),
  });
  const statistics = movingStatistics(builder);
  if (statistics.length === 0) return;
  builder.emit(
    'running_update',
    statistics.flatMap(({ values }) => values),
    { momentum: options.statisticsMomentum, counts: statistics.map(({ count }) => count) },
  );
}

/**
 * One step of training: forward, backward, update. Inputs: images, labels, lr, momentum if there are velocities, and key if the model has dropout.
 * Outputs: loss, then the counts of top-1 and top-5 correct samples. Nothing is written before the input, the loss
 * and all gradients are known to be finite; with a scaled loss, a step whose gradients overflow writes nothing.
 */
export function trainingGraph(forward: Graph, options: TrainingOptions): Graph {
  const builder = new GraphBuilder();
  const logits = replayForTraining(builder, forward, options.batch);
  const images = builder.values.filter(({ kind, dtype }) => kind === 'input' && dtype === 'f32');
  builder.emit(
    'assert_finite',
    images.map(({ id }) => id),
    { what: 'input' },
  );
  const { loss, top1, top5 } = emitLoss(builder, logits, options.labels, options.labelSmoothing);
  builder.emit('assert_finite', [loss], { what: 'loss' });
  const scaling = emitScaling(builder, options.scalesLoss);
  const wanted = builder.values.filter(({ name, kind }) => kind === 'parameter' && options.decays.has(name));
  const gradients = differentiate(
    builder,
    loss,
    scaling.seed,
    wanted.map(({ id }) => id),
  );
  emitUpdates(builder, gradients, scaling, options);
  return mergeGradientSums(prune(builder.finish([loss, top1, top5])));
}

/** The forward graph as inference computes it: no dropout, norms folded away. Output: the logits. */
export function inferenceGraph(forward: Graph, batch: number): Graph {
  return fuseNormlessTails(foldForInference(withBatch(withoutChance(forward), batch)));
}

/** Inference that ends in probabilities. Input: images. */
export function predictionGraph(forward: Graph, batch: number): Graph {
  const graph = inferenceGraph(forward, batch);
  const builder = new GraphBuilder();
  const map = replay(graph, builder, () => undefined);
  builder.layer = 'softmax';
  return builder.finish([builder.emit('softmax', [map[graph.outputs[0]!]!])[0]!]);
}

/** Inference that ends in loss, top-1 and top-5 counts. Inputs: images, labels. */
export function evaluationGraph(forward: Graph, batch: number, labels: LabelKind, smoothing: number): Graph {
  const graph = inferenceGraph(forward, batch);
  const builder = new GraphBuilder();
  const map = replay(graph, builder, () => undefined);
  const { loss, top1, top5 } = emitLoss(builder, map[graph.outputs[0]!]!, labels, smoothing);
  return builder.finish([loss, top1, top5]);
}
