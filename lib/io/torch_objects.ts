/** The Python names that PyTorch's pickles may use here, and what they become: descriptions of storages and tensors. */
import type { DType } from './dtype.ts';
import { quote } from './json_scanner.ts';
import {
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleProblem,
  PickleTuple,
  type PickleValue,
} from './pickle.ts';

/** The type of a storage, such as `torch.FloatStorage`. */
class StorageType extends PickleGlobal {
  readonly dtype: DType;

  constructor(name: string, dtype: DType) {
    super(name);
    this.dtype = dtype;
  }
}

/** Values in the file that tensors look at. */
export interface TorchStorage {
  /** What the file calls it. */
  readonly key: string;
  readonly dtype: DType;
  /** Number of elements. */
  readonly elements: number;
}

/** A tensor: which elements of a storage it consists of. */
export class TorchTensor {
  readonly storage: TorchStorage;
  /** Element of the storage at which it begins. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Steps in elements for each dimension. */
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** Part of a storage, as files before the zip format may have it. */
class StorageView {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly elements: number;

  constructor(storage: TorchStorage, offset: number, elements: number) {
    this.storage = storage;
    this.offset = offset;
    this.elements = elements;
  }
}

const storageTypes: readonly (readonly [string, DType])[] = [
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['ComplexFloatStorage', 'C64'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
];

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function counts(value: PickleValue | undefined): readonly number[] | undefined {
  return value instanceof PickleTuple && value.items.every(isCount) ? value.items.map(Number) : undefined;
}

/** _rebuild_tensor(storage, offset, size, stride), and v2 with (requires_grad, backward_hooks, metadata) behind. */
function rebuildTensor(args: readonly PickleValue[]): TorchTensor | PickleProblem {
  const [view, offset, size, stride] = args;
  const shape = counts(size);
  const strides = counts(stride);
  if (!(view instanceof StorageView)) return new PickleProblem('expected a storage as first argument');
  if (!isCount(offset)) return new PickleProblem('expected an offset of at least 0');
  if (shape === undefined || strides === undefined || shape.length !== strides.length) {
    return new PickleProblem('expected a size and a stride: two tuples of as many whole numbers');
  }
  return new TorchTensor(view.storage, view.offset + offset, shape, strides);
}

function rebuildParameter(args: readonly PickleValue[]): TorchTensor | PickleProblem {
  const [data] = args;
  return data instanceof TorchTensor ? data : new PickleProblem('expected a tensor as first argument');
}

function orderedDict(args: readonly PickleValue[]): PickleDict | PickleProblem {
  const [pairs] = args;
  // Python 2 writes an empty one as OrderedDict([]).
  const empty = pairs === undefined || (pairs instanceof PickleList && pairs.items.length === 0);
  return args.length <= 1 && empty ? new PickleDict() : new PickleProblem('expected no arguments');
}

const size = (args: readonly PickleValue[]): PickleTuple | PickleProblem =>
  args.length === 1 && args[0] instanceof PickleTuple
    ? args[0]
    : new PickleProblem('expected a tuple of lengths');

/** Every name that is allowed. */
const allowed = new Map(
  [
    new PickleGlobal('collections.OrderedDict', orderedDict),
    new PickleGlobal('torch._utils._rebuild_tensor', rebuildTensor),
    new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuildTensor),
    new PickleGlobal('torch._utils._rebuild_parameter', rebuildParameter),
    new PickleGlobal('torch.Size', size),
    ...storageTypes.flatMap(([name, dtype]) =>
      ['torch', 'torch.cuda'].map((module) => new StorageType(`${module}.${name}`, dtype)),
    ),
  ].map((global) => [global.name, global]),
);

/** The object that a Python name stands for; none for a name that is not allowed. */
export const findTorchName = (name: string): PickleGlobal | undefined => allowed.get(name);

/** The storages that a pickle names, each with one type and size. */
export class StorageTable {
  readonly storages = new Map<string, TorchStorage>();

  /** ('storage', type, key, location, elements[, view]), where a view is (key, offset, elements) or None. */
  resolve(id: PickleValue): StorageView | PickleProblem {
    const [word, type, key, , elements, view = null] = id instanceof PickleTuple ? id.items : [];
    if (word !== 'storage' || typeof key !== 'string' || !isCount(elements)) {
      return new PickleProblem('expected a persistent id of a storage: its type, key, location and length');
    }
    if (!(type instanceof StorageType)) {
      return new PickleProblem(
        `storage ${quote(key)}: expected the type of a storage, such as torch.FloatStorage`,
      );
    }
    const known = this.storages.get(key) ?? { key, dtype: type.dtype, elements };
    if (known.dtype !== type.dtype || known.elements !== elements) {
      return new PickleProblem(
        `storage ${quote(key)}: expected ${known.elements} elements of ${known.dtype} as before, received ${elements} of ${type.dtype}`,
      );
    }
    this.storages.set(key, known);
    if (view === null) return new StorageView(known, 0, elements);
    const [, offset, length] = view instanceof PickleTuple ? view.items : [];
    if (!isCount(offset) || !isCount(length) || offset + length > elements) {
      return new PickleProblem(`storage ${quote(key)}: expected a view within its ${elements} elements`);
    }
    return new StorageView(known, offset, length);
  }
}
