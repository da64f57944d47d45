/** The graphs a model runs: a training step, an evaluation, a prediction; all made from its one forward graph. */
import { ArgumentRangeError } from '../errors.ts';
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
import {
  emitAccumulate,
  emitAverages,
  emitClip,
  emitRunningUpdate,
  emitUpdate,
  gradientName,
  normsOf,
  type TensorSpec,
  type UpdateOptions,
} from './update.ts';

/** How labels come: class indices, or a distribution over the classes for each sample. */
export type LabelKind = 'indices' | 'distributions';

/** What a classifier may be asked for. */
export type ClassifierOutput = 'logits' | 'probabilities';
export const classifierOutputs: readonly ClassifierOutput[] = ['logits', 'probabilities'];

export interface TrainingOptions extends UpdateOptions {
  readonly batch: number;
  readonly labels: LabelKind;
  readonly labelSmoothing: number;
  /** Share of the batch's statistics in the running ones, PyTorch's convention (0.1). */
  readonly statisticsMomentum: number;
  /** Multiply the loss by a scale that follows what 16-bit gradients can hold. */
  readonly scalesLoss: boolean;
  /** Names of the running means of norms that use running statistics in training, too. */
  readonly frozenNorms: ReadonlySet<string>;
}

/** Name and shape of the state of dynamic loss scaling. */
export const LOSS_SCALE = { name: 'loss_scale', shape: [2] } as const;

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

/** Whether the norms of a node are frozen, by itself or by the names of their running means. */
function isFrozen(graph: Graph, node: Node, frozenNorms: ReadonlySet<string>): boolean {
  if (node.attributes['frozen'] === true) return true;
  const names = normsOf(node)
    .map(([mean]) => graph.values[node.inputs[mean] ?? ABSENT]?.name)
    .filter((name) => name !== undefined);
  const frozen = names.filter((name) => frozenNorms.has(name));
  if (frozen.length === 0 || frozen.length === names.length) return frozen.length > 0;
  throw new ArgumentRangeError(
    `compile: freezeNorms: expected both or none of ${names.join(' and ')}, which are computed together`,
  );
}

/** Refuses names of which only some belong to a node that computes several norms. */
export function checkFrozenNorms(graph: Graph, frozenNorms: ReadonlySet<string>): void {
  for (const node of graph.nodes) isFrozen(graph, node, frozenNorms);
}

/** Copies the forward graph into a builder in its training form; returns the id of the logits. */
export function replayForTraining(
  builder: GraphBuilder,
  graph: Graph,
  batch: number,
  frozenNorms: ReadonlySet<string> = new Set(),
): number {
  // Ops without a gradient of their own are differentiated as what they are made of.
  const plain = decompose(graph, (op) => findOp(op).gradient === undefined);
  const map = replay(
    plain,
    builder,
    ({ node, inputs }) => {
      const extra = findOp(node.op).trainingAttributes;
      if (extra === undefined) return undefined;
      if (isFrozen(plain, node, frozenNorms)) {
        return builder.emit(node.op, inputs, { ...node.attributes, frozen: true });
      }
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

/** What a training graph has behind its backward pass. */
interface Backward {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly scaling: Scaling;
  readonly gradients: readonly (readonly [parameter: number, gradient: number])[];
}

/** Forward, loss and backward; the input and the loss are known to be finite behind it. */
function emitBackward(builder: GraphBuilder, forward: Graph, options: TrainingOptions): Backward {
  const logits = replayForTraining(builder, forward, options.batch, options.frozenNorms);
  const images = builder.values.filter(({ kind, dtype }) => kind === 'input' && dtype === 'f32');
  builder.emit(
    'assert_finite',
    images.map(({ id }) => id),
    { what: 'input' },
  );
  const { loss, top1, top5 } = emitLoss(builder, logits, options.labels, options.labelSmoothing);
  builder.emit('assert_finite', [loss], { what: 'loss' });
  const scaling = emitScaling(builder, options.scalesLoss);
  const wanted = builder.values.filter(({ name, kind }) => kind === 'parameter' && options.updates.has(name));
  const gradients = differentiate(
    builder,
    loss,
    scaling.seed,
    wanted.map(({ id }) => id),
  );
  builder.layer = 'optimizer';
  return {
    loss,
    top1,
    top5,
    scaling,
    gradients: [...gradients].filter(([, gradient]) => gradient !== ABSENT),
  };
}

const finishTraining = (builder: GraphBuilder, outputs: readonly number[]): Graph =>
  mergeGradientSums(prune(builder.finish(outputs.filter((id) => id !== ABSENT))));

/**
 * One step of training: forward, backward, update. Inputs: images, labels, lr, momentum if there are velocities, and
 * key if the model has dropout. Outputs: loss, the counts of top-1 and top-5 correct samples, and the norm of the
 * gradients where it is limited. Nothing is written before the input, the loss and all gradients are known to be finite;
 * with a scaled loss, a step whose gradients overflow writes nothing.
 */
export function trainingGraph(forward: Graph, options: TrainingOptions): Graph {
  const builder = new GraphBuilder();
  const { loss, top1, top5, scaling, gradients } = emitBackward(builder, forward, options);
  const all = gradients.map(([, gradient]) => gradient);
  if (scaling.state === ABSENT) builder.emit('assert_finite', all, { what: 'gradient' });
  else builder.emit('loss_scale_update', [scaling.state, ...all]);
  const { scale, norm } = emitClip(builder, all, scaling.unscale, options.clipNorm);
  emitUpdate(builder, gradients, scale, options);
  emitRunningUpdate(builder, options.statisticsMomentum);
  if (options.averaging !== undefined) emitAverages(builder, options.averaging);
  return finishTraining(builder, [loss, top1, top5, norm]);
}

/**
 * The first part of a step over several batches: takes the gradients of one of them into the means of those before.
 * Inputs and outputs as in {@link trainingGraph}, but `accumulated`, the number of batches before, for lr and momentum, and
 * no norm. With a scaled loss an overflow goes into the means, too, and is found by {@link updateGraph}.
 */
export function accumulationGraph(forward: Graph, options: TrainingOptions): Graph {
  const builder = new GraphBuilder();
  const { loss, top1, top5, scaling, gradients } = emitBackward(builder, forward, options);
  if (scaling.state === ABSENT) {
    builder.emit(
      'assert_finite',
      gradients.map(([, gradient]) => gradient),
      { what: 'gradient' },
    );
  }
  emitAccumulate(builder, gradients);
  emitRunningUpdate(builder, options.statisticsMomentum);
  return finishTraining(builder, [loss, top1, top5]);
}

/**
 * The second part: the update by the means. Inputs: lr, momentum if there are velocities. Output: the norm of the
 * means where it is limited.
 */
export function updateGraph(parameters: readonly TensorSpec[], options: TrainingOptions): Graph {
  const builder = new GraphBuilder();
  const gradients = parameters.map(({ name, shape }): [parameter: number, gradient: number] => [
    builder.parameter(name, f32(...shape)),
    builder.state(gradientName(name), f32(...shape)),
  ]);
  builder.layer = 'optimizer';
  const all = gradients.map(([, gradient]) => gradient);
  const { state, unscale } = emitScaling(builder, options.scalesLoss);
  if (state !== ABSENT) builder.emit('loss_scale_update', [state, ...all]);
  const { scale, norm } = emitClip(builder, all, unscale, options.clipNorm);
  emitUpdate(builder, gradients, scale, options);
  if (options.averaging !== undefined) emitAverages(builder, options.averaging);
  return finishTraining(builder, [norm]);
}

/** The forward graph as inference computes it: no dropout, norms folded away. Output: the logits. */
export function inferenceGraph(forward: Graph, batch: number): Graph {
  return fuseNormlessTails(foldForInference(withBatch(withoutChance(forward), batch)));
}

/** Inference that ends in probabilities or logits. Input: images. */
export function predictionGraph(
  forward: Graph,
  batch: number,
  output: ClassifierOutput = 'probabilities',
): Graph {
  const graph = inferenceGraph(forward, batch);
  if (output === 'logits') return graph;
  const builder = new GraphBuilder();
  const map = replay(graph, builder, () => undefined);
  builder.layer = 'softmax';
  return builder.finish([builder.emit('softmax', [map[graph.outputs[0]!]!])[0]!]);
}

export interface EvaluationOptions {
  readonly batch: number;
  readonly labels: LabelKind;
  readonly labelSmoothing: number;
  /** Give probabilities out, too. */
  readonly probabilities: boolean;
}

/** Inference that ends in loss, top-1 and top-5 counts, and if wanted probabilities. Inputs: images, labels. */
export function evaluationGraph(forward: Graph, options: EvaluationOptions): Graph {
  const { batch, labels, labelSmoothing, probabilities } = options;
  const graph = inferenceGraph(forward, batch);
  const builder = new GraphBuilder();
  const map = replay(graph, builder, () => undefined);
  const logits = map[graph.outputs[0]!]!;
  const { loss, top1, top5 } = emitLoss(builder, logits, labels, labelSmoothing);
  return builder.finish([loss, top1, top5, ...(probabilities ? builder.emit('softmax', [logits]) : [])]);
}
