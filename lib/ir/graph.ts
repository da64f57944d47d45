/**
 * The graph as plain data: typed values and the nodes that compute them, in execution order. Nothing here knows
 * what an op means (lib/ops does) or how a graph is made (lib/graph does).
 *
 * Shapes: feature maps are [N, H, W, C], vectors [N, C], convolution weights [K, C/groups, kernelH, kernelW],
 * linear weights [out, in], per-channel tensors [C], scalars [].
 */

/** Element types a value can have. */
export type DType = 'f32' | 'i32' | 'u8';

/** Shape and element type of a value. */
export interface TensorType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/**
 * Where a value comes from. `input`: given anew for each run. `parameter`: learned. `state`: kept between runs but
 * not learned (running statistics, momentum). `intermediate`: computed by a node.
 */
export type ValueKind = 'input' | 'parameter' | 'state' | 'intermediate';

/** A value of the graph; its id is its index in {@link Graph.values}. */
export interface Value extends TensorType {
  readonly id: number;
  readonly kind: ValueKind;
  /** Unique among the inputs, parameters and states; for intermediates the name of the layer, for messages. */
  readonly name: string;
}

export type AttributeValue = number | boolean | string | readonly number[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** A named function of values. An optional input that is absent has id -1 (ABSENT). */
export interface Node {
  readonly op: string;
  /** The layer this node belongs to, for error messages and profiles. */
  readonly layer: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attributes: Attributes;
}

/** The id that stands for an optional input which is not given. */
export const ABSENT = -1;

/** Nodes in execution order over values; `outputs` are handed back to the caller after a run. */
export interface Graph {
  readonly values: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: readonly number[];
}

export const f32 = (...shape: number[]): TensorType => ({ shape, dtype: 'f32' });
export const i32 = (...shape: number[]): TensorType => ({ shape, dtype: 'i32' });
export const u8 = (...shape: number[]): TensorType => ({ shape, dtype: 'u8' });

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1);

/** `[2, 7, 7, 64]` as `2x7x7x64`, a scalar as `scalar`. */
export const formatShape = (shape: readonly number[]): string =>
  shape.length === 0 ? 'scalar' : shape.join('x');

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
