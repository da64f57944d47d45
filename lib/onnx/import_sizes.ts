/** ONNX operators on whole numbers that say something about shapes: sizes, axes, paddings. All of them are known. */
import { sizeOf } from '../ir/graph.ts';
import type { IntegerConstant } from './constant.ts';
import { type ImportRule, layerRules } from './import_layers.ts';
import type { ImportNode } from './import_node.ts';
import { FormatProblem } from './protobuf.ts';
import { BATCH } from './values.ts';

/** Longest list that is computed: shapes and paddings are shorter, and a file could have lists grow without end. */
const MAX_COUNT = 64;

/** Whole numbers, a list by default. */
export function whole(values: readonly number[], dims: readonly number[] = [values.length]): IntegerConstant {
  if (values.length > MAX_COUNT) {
    throw new FormatProblem('', `expected a list of at most ${MAX_COUNT} numbers, found ${values.length}`);
  }
  return { kind: 'integers', name: '', dims, values };
}

/** The same numbers in other dimensions. */
export function reshaped(
  node: ImportNode,
  { values, dims: earlier }: IntegerConstant,
  wanted: readonly number[],
): IntegerConstant {
  const known = wanted.map((d, i) => (d === 0 ? (earlier[i] ?? 0) : d));
  const rest = sizeOf(known.filter((d) => d !== -1));
  const dims = known.map((d) => (d === -1 ? values.length / rest : d));
  if (!dims.every((d) => Number.isSafeInteger(d) && d > 0) || sizeOf(dims) !== values.length) {
    node.fail(`shape: expected one of ${values.length} numbers, found [${wanted.join(', ')}]`);
  }
  return whole(values, dims);
}

/** Rows become columns. */
export function turned(node: ImportNode, { values, dims }: IntegerConstant): IntegerConstant {
  const [rows, columns] = dims;
  if (rows === undefined || columns === undefined || dims.length !== 2) {
    return node.unsupported('a Transpose of numbers that are no matrix');
  }
  const perm = node.ints('perm', [1, 0], 2);
  if (perm[0] !== 1) return whole(values, dims);
  const order = values.map((_, i) => (i % rows) * columns + Math.floor(i / rows));
  return whole(
    order.map((at) => values[at]!),
    [columns, rows],
  );
}

/** A Slice that takes all rows, the last one first. */
export function reversed(node: ImportNode, { values, dims }: IntegerConstant): IntegerConstant {
  const [rows = 1] = dims;
  const [start, end, axis] = [node.integers(1), node.integers(2), node.has(3) ? node.integers(3) : [0]];
  const isWhole = [-1, rows - 1].includes(start[0]!) && end[0]! < -rows && axis[0] === 0;
  if (!isWhole || [start, end, axis, node.integers(4)].some(({ length }) => length !== 1)) {
    node.unsupported('a Slice backwards of anything but all rows of numbers');
  }
  const width = values.length / rows;
  const order = values.map((_, i) => (rows - 1 - Math.floor(i / width)) * width + (i % width));
  return whole(
    order.map((at) => values[at]!),
    dims,
  );
}

/** A list of one number many times over. */
const constantOfShape: ImportRule = (node) => {
  const [count, ...more] = node.integers(0);
  const value = node.hasAttribute('value') ? node.constantAttribute('') : undefined;
  const isList = count !== undefined && more.length === 0 && count >= 0 && count <= MAX_COUNT;
  if (!isList || value?.kind !== 'integers' || value.values.length !== 1) {
    return node.unsupported('anything but a short list of whole numbers');
  }
  return [whole(new Array<number>(count).fill(value.values[0]!))];
};

const shapeOf: ImportRule = (node) => {
  const dims = [BATCH, ...node.dims(node.feature(0))];
  return [whole(dims.slice(node.int('start', 0), node.int('end', dims.length)))];
};

const gather: ImportRule = (node) => {
  const values = node.integers(0);
  const index = node.value(1);
  const chosen = node.integers(1).map((i) => values.at(i));
  const list = chosen.filter((v) => v !== undefined);
  if (list.length < chosen.length) node.fail('indices: expected numbers within the shape');
  return [whole(list, index.kind === 'integers' && index.dims.length === 0 ? [] : undefined)];
};

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => Math.trunc(a / b),
};

/** Computations on sizes; those on features are left to the layers' rules. */
const onIntegers =
  (opType: string): ImportRule =>
  (node) => {
    const [a, b] = [node.value(0), node.value(1)];
    if (a.kind !== 'integers' || b.kind !== 'integers') {
      return layerRules[opType]?.(node) ?? node.unsupported('anything but a computation on sizes');
    }
    const [one, more] = [a.values.length === 1, b.values.length === 1];
    if (!one && !more && a.values.length !== b.values.length) node.fail('expected lists of one length');
    const count = Math.max(a.values.length, b.values.length);
    const results = Array.from({ length: count }, (_, i) =>
      arithmetic[opType]!(a.values[one ? 0 : i]!, b.values[more ? 0 : i]!),
    );
    if ([...a.values, ...b.values].includes(BATCH) || !results.every(Number.isSafeInteger)) {
      node.unsupported('a computation on the number of images, or one without a result');
    }
    return [whole(results, a.dims.length === 0 && b.dims.length === 0 ? [] : undefined)];
  };

export const sizeRules: Readonly<Record<string, ImportRule>> = {
  Add: onIntegers('Add'),
  Sub: onIntegers('Sub'),
  Mul: onIntegers('Mul'),
  Div: onIntegers('Div'),
  Shape: shapeOf,
  Gather: gather,
  ConstantOfShape: constantOfShape,
};
