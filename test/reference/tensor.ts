/** The tensors of the float64 reference: NHWC maps, OIHW convolution weights, plain row-major data. */
import type { Attributes } from '../../lib/ir/graph.ts';
import { formatShape, sizeOf } from '../../lib/ir/graph.ts';

export interface RefTensor {
  shape: number[];
  data: Float64Array;
}

/** Positional inputs or outputs of an op; an optional one that is not there is undefined. */
export type Slots = readonly (RefTensor | undefined)[];

/** An op computed straight from its definition. Outputs that its attributes switch off are undefined. */
export type Reference = (inputs: Slots, attributes: Attributes) => (RefTensor | undefined)[];

/** The ops of one file, by op name. */
export type References = Readonly<Record<string, Reference>>;

/** A tensor over `data`, zeros by default. */
export function tensor(shape: readonly number[], data?: ArrayLike<number>): RefTensor {
  if (data !== undefined && data.length !== sizeOf(shape)) {
    throw new Error(`tensor: expected ${formatShape(shape)} values, received ${data.length}`);
  }
  return {
    shape: [...shape],
    data: data === undefined ? new Float64Array(sizeOf(shape)) : Float64Array.from(data),
  };
}

/** A new tensor with `f` applied to each element. */
export function map(x: RefTensor, f: (value: number, index: number) => number): RefTensor {
  return { shape: [...x.shape], data: x.data.map(f) };
}

/** A new tensor with `f` applied to each pair of elements. */
export function zip(a: RefTensor, b: RefTensor, f: (a: number, b: number) => number): RefTensor {
  expectShape(b, a.shape, 'second operand');
  return map(a, (value, index) => f(value, b.data[index]!));
}

export function expectShape(t: RefTensor, shape: readonly number[], what: string): void {
  if (t.shape.length !== shape.length || t.shape.some((d, i) => d !== shape[i])) {
    throw new Error(`${what}: expected ${formatShape(shape)}, received ${formatShape(t.shape)}`);
  }
}

/** The input at `position`, which must be there. */
export function given(inputs: Slots, position: number, what: string): RefTensor {
  const value = inputs[position];
  if (value === undefined) throw new Error(`${what}: expected a tensor at input ${position}, received none`);
  return value;
}

/** Sizes of a map [N, H, W, C]; a vector [N, C] counts as a map of one position. */
export function mapSizes(x: RefTensor): { n: number; h: number; w: number; c: number } {
  const [n, h, w, c] = x.shape.length === 2 ? [x.shape[0], 1, 1, x.shape[1]] : x.shape;
  if (n === undefined || h === undefined || w === undefined || c === undefined || x.shape.length > 4) {
    throw new Error(`expected a map or a vector, received ${formatShape(x.shape)}`);
  }
  return { n, h, w, c };
}

/** Sizes of a matrix or of a batch of vectors. */
export function matrixSizes(x: RefTensor): { rows: number; columns: number } {
  const [rows, columns] = x.shape;
  if (rows === undefined || columns === undefined || x.shape.length !== 2) {
    throw new Error(`expected a matrix, received ${formatShape(x.shape)}`);
  }
  return { rows, columns };
}

/** The last dimension: channels of a map or a vector. */
export const channelsOf = (x: RefTensor): number => x.shape.at(-1) ?? 1;
