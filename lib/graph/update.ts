/** What a training step does with its gradients: checks them, limits their norm, updates parameters and statistics. */
import { ABSENT, f32, type Node } from '../ir/graph.ts';
import type { GraphBuilder } from './builder.ts';

/** How parameters follow from gradients. */
export type UpdateRule =
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
  | { readonly kind: 'adamw'; readonly beta1: number; readonly beta2: number; readonly epsilon: number };

/** What is done with one parameter. */
export interface ParameterUpdate {
  /** Its share of the learning rate. */
  readonly rate: number;
  readonly decay: number;
}

export interface UpdateOptions {
  readonly rule: UpdateRule;
  /** The trained parameters by name; one not named is kept as it is. */
  readonly updates: ReadonlyMap<string, ParameterUpdate>;
  /** The largest norm of all gradients together; undefined for any. */
  readonly clipNorm?: number | undefined;
  /** Moving averages of what is trained, if there are any. */
  readonly averaging?: Averaging | undefined;
}

/** Name and shape of the state that counts the updates of AdamW. */
const UPDATES = { name: 'optimizer#updates', shape: [] } as const;

/** Names of the states that hold what the optimizer keeps of a parameter. */
const stateNames = (rule: UpdateRule, parameter: string): string[] => {
  if (rule.kind === 'adamw') return [`${parameter}#m`, `${parameter}#v`];
  return rule.momentum > 0 ? [`${parameter}#velocity`] : [];
};

/** The states of an optimizer; all start as zeros. */
export function optimizerStates(
  rule: UpdateRule,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
): { name: string; shape: readonly number[] }[] {
  const states = parameters.flatMap(({ name, shape }) =>
    stateNames(rule, name).map((state) => ({ name: state, shape })),
  );
  return rule.kind === 'adamw' ? [UPDATES, ...states] : states;
}

/** Name of the state that holds the mean of a parameter's gradients over several batches. */
export const gradientName = (parameter: string): string => `${parameter}#gradient`;

/** Name of the state that holds the moving average of a parameter or running statistic. */
export const averageName = (tensor: string): string => `${tensor}#ema`;

/** Takes gradients into the means of those before them, whose number is an input. */
export function emitAccumulate(
  builder: GraphBuilder,
  gradients: readonly (readonly [parameter: number, gradient: number])[],
): void {
  const pairs = gradients.flatMap(([parameter, gradient]) => {
    const { name, shape } = builder.values[parameter]!;
    return [builder.state(gradientName(name), f32(...shape)), gradient];
  });
  builder.emit('accumulate', [builder.input('accumulated', f32()), ...pairs]);
}

/** A tensor of a model. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: 'parameter' | 'state';
}

/** Which tensors have moving averages. */
export interface Averaging {
  readonly decay: number;
  readonly tensors: readonly TensorSpec[];
}

/** Moves the averages towards the values that tensors have at this place of the graph. */
export function emitAverages(builder: GraphBuilder, { decay, tensors }: Averaging): void {
  const known = new Map(builder.values.map(({ name, kind, id }) => [`${kind} ${name}`, id]));
  const pairs = tensors.flatMap(({ name, shape, kind }) => [
    builder.state(averageName(name), f32(...shape)),
    known.get(`${kind} ${name}`) ?? builder[kind](name, f32(...shape)),
  ]);
  builder.emit('ema_update', pairs, { decay });
}

/** Emits the update of parameters; `scale` is what gradients are to be multiplied with, ABSENT for 1. */
export function emitUpdate(
  builder: GraphBuilder,
  gradients: readonly (readonly [parameter: number, gradient: number])[],
  scale: number,
  { rule, updates }: UpdateOptions,
): void {
  const lr = builder.input('lr', f32());
  const second =
    rule.kind === 'adamw'
      ? builder.state(UPDATES.name, f32(...UPDATES.shape))
      : rule.momentum > 0
        ? builder.input('momentum', f32())
        : ABSENT;
  const groups = gradients.flatMap(([parameter, gradient]) => {
    const { name, shape } = builder.values[parameter]!;
    const states = stateNames(rule, name).map((state) => builder.state(state, f32(...shape)));
    return [parameter, gradient, ...(rule.kind === 'sgd' && states.length === 0 ? [ABSENT] : states)];
  });
  const each = gradients.map(([parameter]) => updates.get(builder.values[parameter]!.name)!);
  const scaled = scale !== ABSENT;
  const common = { scaled, decays: each.map(({ decay }) => decay), rates: each.map(({ rate }) => rate) };
  const inputs = [lr, second, ...groups, ...(scaled ? [scale] : [])];
  if (rule.kind === 'sgd') builder.emit('sgd', inputs, { ...common, nesterov: rule.nesterov });
  else {
    const { beta1, beta2, epsilon } = rule;
    builder.emit('adamw', inputs, { ...common, beta1, beta2, epsilon });
  }
}

/**
 * Emits the limit of the gradients' norm.
 *
 * @returns What to multiply gradients with, and their norm; without a limit `scale` as it is, and no norm.
 */
export function emitClip(
  builder: GraphBuilder,
  gradients: readonly number[],
  scale: number,
  limit: number | undefined,
): { scale: number; norm: number } {
  if (limit === undefined) return { scale, norm: ABSENT };
  const [factor, norm] = builder.emit('clip_factor', [scale, ...gradients], { limit });
  return { scale: factor!, norm: norm! };
}

/** A norm whose batch statistics move the running ones. */
interface MovingStatistics {
  readonly values: readonly [mean: number, variance: number, batchMean: number, batchVariance: number];
  readonly count: number;
}

/** The norms of a node: positions of the running means among its inputs, and of the batch's among its outputs. */
export function normsOf({ op }: Node): readonly (readonly [input: number, output: number])[] {
  if (op === 'batch_norm' || op === 'norm_activation') return [[3, 1]];
  return op === 'norm_tail'
    ? [
        [3, 1],
        [8, 3],
      ]
    : [];
}

/** The running statistics that the norms of a training graph move. */
function movingStatistics(builder: GraphBuilder): MovingStatistics[] {
  return builder.nodes.flatMap((node) =>
    normsOf(node)
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

/** Emits the update of running statistics; `momentum` is the share of the batch's in them. */
export function emitRunningUpdate(builder: GraphBuilder, momentum: number): void {
  const statistics = movingStatistics(builder);
  if (statistics.length === 0) return;
  builder.emit(
    'running_update',
    statistics.flatMap(({ values }) => values),
    { momentum, counts: statistics.map(({ count }) => count) },
  );
}
