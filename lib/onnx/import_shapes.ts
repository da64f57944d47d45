/**
 * ONNX operators that only change how values look. A Reshape or Transpose is taken where it stands
 * for something that has a meaning in our layout: flattening, the halves of a channel shuffle, empty dimensions.
 */

import { sizeOf } from '../ir/graph.ts';
import type { FloatConstant } from './constant.ts';
import { type ImportRule, squeeze, transposed } from './import_layers.ts';
import type { ImportNode } from './import_node.ts';
import { reshaped, reversed, turned, whole } from './import_sizes.ts';
import { BATCH, type Feature, type Value } from './values.ts';

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** The wanted dimensions without the batch, with zeros and a -1 resolved. */
function resolve(node: ImportNode, x: Feature, wanted: readonly number[]): number[] {
  const dims = node.dims(x);
  const total = sizeOf(dims);
  const known = wanted.slice(1).map((d, i) => (d === 0 ? (dims[i] ?? 0) : d));
  const rest = sizeOf(known.filter((d) => d !== -1));
  const open = known.filter((d) => d === -1).length;
  const [batch] = wanted;
  const keepsBatch = batch === BATCH || batch === 0 || batch === -1 || (batch !== undefined && batch > 0);
  const size = open === 1 ? Math.floor(total / rest) : 1;
  const fits = open === 0 ? rest === total : open === 1 && batch !== -1 && size * rest === total;
  if (!keepsBatch || !fits || known.some((d) => d !== -1 && !(d > 0))) {
    const words = wanted.map((d) => (d === BATCH ? 'N' : d)).join(', ');
    node.unsupported(
      `a shape of [${words}] for [N, ${dims.join(', ')}]: expected the batch to stay the first dimension`,
    );
  }
  return known.map((d) => (d === -1 ? size : d));
}

/** The feature under other dimensions. */
function relook(node: ImportNode, x: Feature, wanted: readonly number[]): Feature {
  const shape = node.shape(x);
  const channels = shape.at(-1)!;
  const rest = shape.slice(1, -1);
  const { look } = x;
  if (same(wanted, node.dims(x))) return x;
  const untouched = look.kind !== 'split' || !look.turned;
  if (look.kind === 'split' && look.turned && same(wanted, [channels, ...rest])) {
    const id = node.emit('channel_shuffle', [x.id], { groups: look.groups });
    return node.feed(id, rest.length === 0 ? { kind: 'vector', ones: 0 } : { kind: 'map' });
  }
  const isVector = rest.length === 0;
  if (untouched && !isVector) {
    if (same(wanted, [channels, ...rest])) return node.feed(x.id, { kind: 'map' });
    if (same(wanted, [channels, rest[0]! * rest[1]!])) return node.feed(x.id, { kind: 'rows' });
    if (same(wanted, [sizeOf(shape)])) {
      return node.feed(node.emit('flatten', [x.id]), { kind: 'vector', ones: 0 });
    }
  }
  if (untouched && isVector && wanted[0] === channels && wanted.slice(1).every((d) => d === 1)) {
    return node.feed(x.id, { kind: 'vector', ones: wanted.length - 1 });
  }
  if (untouched && wanted.length === rest.length + 2 && same(wanted.slice(2), rest)) {
    return node.feed(x.id, { kind: 'split', groups: wanted[0]!, turned: false });
  }
  if (untouched && isVector && wanted.length === 3) {
    const [c, h, w] = wanted as [number, number, number];
    return node.feed(node.emit('unflatten', [x.id], { size: [h, w], channels: c }), { kind: 'map' });
  }
  return node.unsupported(
    `a Reshape of [N, ${node.dims(x).join(', ')}] to [N, ${wanted.join(', ')}]: expected one that flattens, splits or joins channels, or adds empty dimensions`,
  );
}

const reshape: ImportRule = (node) => {
  const wanted = node.integers(1);
  if (node.int('allowzero', 0) !== 0 && wanted.includes(0)) node.unsupported('a Reshape to nothing');
  const value = node.value(0);
  if (value.kind === 'integers') return [reshaped(node, value, wanted)];
  const x = node.feature(0);
  return [relook(node, x, resolve(node, x, wanted))];
};

const flatten: ImportRule = (node) => {
  const x = node.feature(0);
  const dims = node.dims(x);
  const axis = node.int('axis', 1);
  if ((axis < 0 ? axis + dims.length + 1 : axis) !== 1) {
    node.unsupported(`axis: expected 1, which keeps the batch, found ${axis}`);
  }
  return [relook(node, x, [sizeOf(dims)])];
};

/** Rows and columns of a matrix of weights. */
function turnedMatrix(node: ImportNode, constant: FloatConstant): Value {
  const [rows, columns] = constant.dims as [number, number];
  const perm = node.ints('perm', [1, 0]);
  if (constant.dims.length !== 2 || !same(perm, [1, 0]))
    node.unsupported('a Transpose of weights that are no matrix');
  const load = () => transposed(constant.load(), rows, columns);
  return { kind: 'floats', name: constant.name, dims: [columns, rows], load };
}

const transpose: ImportRule = (node) => {
  const value = node.value(0);
  if (value.kind === 'floats') return [turnedMatrix(node, value)];
  if (value.kind === 'integers') return [turned(node, value)];
  const x = node.feature(0);
  const rank = node.dims(x).length + 1;
  const perm = node.ints(
    'perm',
    Array.from({ length: rank }, (_, i) => rank - 1 - i),
    rank,
  );
  if (perm.every((from, to) => from === to)) return [x];
  const swap = [0, 2, 1, ...Array.from({ length: Math.max(0, rank - 3) }, (_, i) => i + 3)];
  // [N, C, 1] is also what C groups of one channel look like.
  const isOnes = x.look.kind === 'vector' && x.look.ones === 1;
  const look = isOnes ? ({ kind: 'split', groups: node.dims(x)[0]!, turned: false } as const) : x.look;
  if (look.kind !== 'split' || !same(perm, swap)) {
    return node.unsupported(
      `a Transpose by [${perm.join(', ')}] of [N, ${node.dims(x).join(', ')}]: expected the one inside of a channel shuffle`,
    );
  }
  return [node.feed(x.id, { ...look, turned: !look.turned })];
};

/** Axes from an attribute in earlier opsets, an input in later ones; counted from the front. */
function axesOf(node: ImportNode, since: number, rank: number): number[] | undefined {
  const given =
    node.opset >= since ? (node.has(1) ? node.integers(1) : undefined) : attributeAxes(node, rank);
  const axes = given?.map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes?.some((axis) => !Number.isSafeInteger(axis) || axis < 0 || axis >= rank)) {
    node.fail(`axes: expected axes of ${rank} dimensions, found [${given!.join(', ')}]`);
  }
  return axes?.sort((a, b) => a - b);
}

const attributeAxes = (node: ImportNode, rank: number): readonly number[] | undefined =>
  node.hasAttribute('axes') ? node.ints('axes', [], undefined, -rank) : undefined;

const squeezeAxes: ImportRule = (node) => {
  const value = node.value(0);
  if (value.kind === 'integers') return [whole(value.values, value.values.length === 1 ? [] : undefined)];
  const x = node.feature(0);
  const dims = node.dims(x);
  const axes = axesOf(node, 13, dims.length + 1) ?? dims.flatMap((d, i) => (d === 1 ? [i + 1] : []));
  if (axes.includes(0)) node.unsupported('axes: the batch cannot be squeezed');
  for (const axis of axes) {
    if (dims[axis - 1] !== 1) node.fail(`axes: expected empty dimensions, found ${dims[axis - 1]}`);
  }
  return [
    relook(
      node,
      x,
      dims.filter((_, i) => !axes.includes(i + 1)),
    ),
  ];
};

const unsqueeze: ImportRule = (node) => {
  const value = node.value(0);
  if (value.kind === 'integers') return [whole(value.values)];
  const x = node.feature(0);
  const dims = node.dims(x);
  const count = node.opset >= 13 ? node.integers(1).length : node.ints('axes', [], undefined, -8).length;
  const axes = axesOf(node, 13, dims.length + 1 + count) ?? [];
  if (axes.includes(0)) node.unsupported('axes: the batch must stay the first dimension');
  const wanted = [...dims];
  for (const axis of axes) wanted.splice(axis - 1, 0, 1);
  return [relook(node, x, wanted)];
};

const reduce =
  (op: 'global_avg_pool' | 'global_max_pool', since: number): ImportRule =>
  (node) => {
    const x = node.feature(0);
    const rank = node.dims(x).length + 1;
    const axes = axesOf(node, since, rank) ?? [];
    const keeps = node.int('keepdims', 1) === 1;
    const positions = x.look.kind === 'rows' ? [2] : [2, 3];
    const isEmpty = x.look.kind === 'vector' && x.look.ones === 2;
    if (!same(axes, positions) || !(isEmpty || x.look.kind === 'rows' || x.look.kind === 'map')) {
      node.unsupported(
        `a mean or maximum of [N, ${node.dims(x).join(', ')}] over axes [${axes.join(', ')}]: expected all positions of a map`,
      );
    }
    return [squeeze(node, op, keeps ? positions.length : 0)];
  };

const concat: ImportRule = (node) => {
  const values = Array.from({ length: node.inputs }, (_, i) => node.value(i));
  if (values.every(({ kind }) => kind === 'integers')) {
    return [whole(values.flatMap((_, i) => node.integers(i)))];
  }
  const features = values.map((_, i) => node.feature(i));
  const first = features[0] ?? node.fail('expected inputs, found none');
  const axis = node.int('axis', 1);
  if (axis !== 1 && axis !== -node.dims(first).length) {
    node.unsupported(`axis: expected the channels, found ${axis}`);
  }
  if (
    features.some(({ look }) => JSON.stringify(look) !== JSON.stringify(first.look) || look.kind === 'split')
  ) {
    node.unsupported('a Concat of features of different shapes');
  }
  return [
    node.feed(
      node.emit(
        'concat',
        features.map(({ id }) => id),
      ),
      first.look,
    ),
  ];
};

function channelSlice(node: ImportNode, x: Feature, start: number, end: number): Feature {
  if (x.look.kind === 'split') node.unsupported('a slice between the halves of a channel shuffle');
  return node.feed(node.emit('channel_slice', [x.id], { start, end }), x.look);
}

const slice: ImportRule = (node) => {
  const [starts, ends] = [node.integers(1), node.integers(2)];
  const value = node.value(0);
  const steps = node.has(4) ? node.integers(4) : [1];
  if (value.kind === 'integers' && steps[0] === -1) return [reversed(node, value)];
  if (starts.length !== 1 || ends.length !== 1 || steps.some((step) => step !== 1)) {
    node.unsupported('a Slice of several axes or with steps');
  }
  const axis = node.has(3) ? node.integers(3)[0]! : 0;
  if (value.kind === 'integers') return [whole(node.integers(0).slice(starts[0]!, ends[0]!))];
  const x = node.feature(0);
  const dims = node.dims(x);
  if (axis !== 1 && axis !== -dims.length) node.unsupported(`axes: expected the channels, found ${axis}`);
  const place = (at: number) => Math.min(dims[0]!, Math.max(0, at < 0 ? at + dims[0]! : at));
  const [start, end] = [place(starts[0]!), place(ends[0]!)];
  return [start === 0 && end === dims[0] ? x : channelSlice(node, x, start, end)];
};

const split: ImportRule = (node) => {
  const x = node.feature(0);
  const dims = node.dims(x);
  const axis = node.int('axis', 0);
  if (axis !== 1 && axis !== -dims.length) node.unsupported(`axis: expected the channels, found ${axis}`);
  const count = node.outputs.length;
  const each = Math.ceil(dims[0]! / count);
  const given = node.opset < 13 ? node.ints('split', []) : node.has(1) ? node.integers(1) : [];
  const sizes =
    given.length > 0 ? given : Array.from({ length: count }, (_, i) => Math.min(each, dims[0]! - i * each));
  if (sizes.length !== count || sizeOf(sizes) <= 0 || sizes.reduce((a, b) => a + b, 0) !== dims[0]) {
    node.fail(`split: expected ${count} sizes that add up to ${dims[0]}, found [${sizes.join(', ')}]`);
  }
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return channelSlice(node, x, start - size, start);
  });
};

/** Zeros around the positions of a map; a negative number cuts off. */
const pad: ImportRule = (node) => {
  const mode = node.text('mode', 'constant');
  if (mode !== 'constant') node.unsupported(`mode: expected constant, found '${mode}'`);
  if (node.has(2) && node.number(2) !== 0) node.unsupported('a Pad with other numbers than 0');
  const x = node.feature(0);
  const rank = node.dims(x).length + 1;
  const axes = node.has(3) ? node.integers(3) : Array.from({ length: rank }, (_, i) => i);
  const given = node.integers(1);
  if (given.length !== 2 * axes.length || given.some((p) => !(Math.abs(p) < 2 ** 31))) {
    node.fail(`pads: expected ${2 * axes.length} whole numbers, found [${given.join(', ')}]`);
  }
  const sides = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    const at = axis < 0 ? axis + rank : axis;
    if (!(at >= 0 && at < rank)) node.fail(`axes: expected axes of ${rank} dimensions, found ${axis}`);
    sides[at] = given[i]!;
    sides[at + rank] = given[i + axes.length]!;
  }
  if (sides.every((side) => side === 0)) return [x];
  if (rank !== 4 || [0, 1, 4, 5].some((at) => sides[at] !== 0)) {
    node.unsupported('a Pad of more than the height and width of a map');
  }
  const padding = [sides[2]!, sides[6]!, sides[3]!, sides[7]!];
  return [node.feed(node.emit('pad', [node.map(0)], { padding }), { kind: 'map' })];
};

const dropout: ImportRule = (node) => {
  if (node.has(2) && node.number(2) !== 0) node.unsupported('training_mode: expected inference');
  return [node.feature(0)];
};

export const shapeRules: Readonly<Record<string, ImportRule>> = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeezeAxes,
  Unsqueeze: unsqueeze,
  ReduceMean: reduce('global_avg_pool', 18),
  ReduceMax: reduce('global_max_pool', 18),
  Concat: concat,
  Slice: slice,
  Split: split,
  Pad: pad,
  Dropout: dropout,
  Identity: (node) => [node.value(0)],
  Cast: (node) => [node.value(0)],
  Constant: (node) => [node.constantAttribute(node.outputs[0] ?? '')],
};
