/** Finds the state dict in what a PyTorch file holds, and checks every tensor of it before any is read. */
import { FileError } from '../errors.ts';
import type { ByteSource } from './byte_source.ts';
import { maxRank, tensorBytes } from './dtype.ts';
import { quote } from './json_scanner.ts';
import { PickleDict, type PickleValue } from './pickle.ts';
import { nameProblem } from './safetensors_header.ts';
import { type TorchStorage, TorchTensor } from './torch_objects.ts';
import type { Checksum, Placement } from './weight_tensor.ts';

/** Keys under which training scripts keep the state dict, in the order in which they are tried. */
const SECTIONS = ['state_dict', 'model_state_dict', 'model_state', 'model', 'net', 'weights'];

/** Shared storages may make tensors take more than their file; by so much at most. */
const MAX_SHARED_BYTES = 16 << 20;

/** A state dict as the file describes it. */
export interface TorchStateDict {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Names of entries that are no tensors. */
  readonly skipped: readonly string[];
  /** Numbers and texts beside the state dict, such as the epoch. */
  readonly metadata: ReadonlyMap<string, string>;
}

const holdsTensors = (value: PickleValue | undefined): value is PickleDict =>
  value instanceof PickleDict && [...value.entries.values()].some((entry) => entry instanceof TorchTensor);

/** The state dict: under one of the known keys, or all there is. */
export function findStateDict(root: PickleValue, path: string): TorchStateDict {
  if (!(root instanceof PickleDict)) {
    throw new FileError(path, 'expected a state dict (names to tensors), received another kind of object');
  }
  const section = SECTIONS.find((key) => holdsTensors(root.entries.get(key)));
  const dict = section === undefined ? root : root.entries.get(section);
  if (!holdsTensors(dict)) {
    const keys = [...root.entries.keys()].slice(0, 8).map((key) => quote(String(key)));
    throw new FileError(
      path,
      `expected a state dict (names to tensors), possibly under ${SECTIONS.join(', ')}; received ${keys.length === 0 ? 'no entries' : `the keys ${keys.join(', ')}`}`,
    );
  }
  const tensors = new Map<string, TorchTensor>();
  const skipped: string[] = [];
  for (const [name, value] of dict.entries) {
    if (typeof name === 'string' && value instanceof TorchTensor) tensors.set(name, value);
    else skipped.push(String(name));
  }
  return { tensors, skipped, metadata: section === undefined ? new Map() : plainValues(root) };
}

function plainValues(root: PickleDict): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of root.entries) {
    if (typeof key === 'string' && ['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
      found.set(key, String(value));
    }
  }
  return found;
}

/** Bytes of a storage. */
export function storageBytes(storage: TorchStorage): number | string {
  return tensorBytes(storage.dtype, [storage.elements]);
}

/** Whether the elements lie one behind the other in the order of the tensor. */
function isContiguous({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i -= 1) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}

/** Elements of the storage from a tensor's first to its last, both included. */
function elementSpan({ shape, strides }: TorchTensor): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, i) => last + (size - 1) * strides[i]!, 1);
}

/** Where a storage lies in the file. */
export interface StorageSpan {
  /** What the file calls it. */
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  readonly crc32?: number;
}

/** Checks a tensor against its storage; returns its bytes. */
function checkTensor(name: string, tensor: TorchTensor, fail: (message: string) => never): number {
  const problem = nameProblem(name);
  if (problem !== undefined) fail(`the name ${problem}`);
  const { shape, storage, offset } = tensor;
  if (shape.length > maxRank) fail(`expected at most ${maxRank} dimensions, received ${shape.length}`);
  const bytes = tensorBytes(storage.dtype, shape);
  if (typeof bytes === 'string') return fail(bytes);
  const room = storageBytes(storage);
  if (typeof room === 'string') return fail(`its storage: ${room}`);
  const end = offset + elementSpan(tensor);
  if (end > storage.elements) {
    fail(`expected to end within the ${storage.elements} elements of its storage, received ${end}`);
  }
  if (bytes > room) {
    fail(`expected at most the ${storage.elements} elements of its storage, received [${shape.join(', ')}]`);
  }
  return bytes;
}

/**
 * Finds the bytes of each tensor, and checks that it lies within its storage and all together fit the file.
 *
 * @param locate finds a storage, or says what is wrong with it; asked once for each
 */
export async function locateTensors(
  { tensors }: TorchStateDict,
  source: ByteSource,
  locate: (storage: TorchStorage) => Promise<StorageSpan | string>,
): Promise<Map<string, Placement>> {
  const spans = new Map<TorchStorage, StorageSpan & { checksum?: Checksum }>();
  const placements = new Map<string, Placement>();
  let total = 0;
  for (const [name, tensor] of tensors) {
    const fail = (message: string): never => {
      throw new FileError(source.path, `tensor ${quote(name)}: ${message}`);
    };
    total += checkTensor(name, tensor, fail);
    const { storage, shape, strides } = tensor;
    let span = spans.get(storage);
    if (span === undefined) {
      const found = await locate(storage);
      if (typeof found === 'string') return fail(found);
      const { crc32, ...rest } = found;
      span = { ...rest, ...(crc32 !== undefined && { checksum: { ...rest, crc32 } }) };
      spans.set(storage, span);
    }
    const bytes = storageBytes(storage);
    if (bytes !== span.end - span.begin) {
      fail(
        `record ${quote(span.name)}: expected ${bytes} bytes for ${storage.elements} elements of ${storage.dtype}, received ${span.end - span.begin}`,
      );
    }
    const begin = span.begin + Number(tensorBytes(storage.dtype, [tensor.offset]));
    placements.set(name, {
      dtype: storage.dtype,
      shape,
      begin,
      ...(!isContiguous(tensor) && { strides }),
      ...(span.checksum && { checksum: span.checksum }),
    });
  }
  if (total > source.size + MAX_SHARED_BYTES) {
    throw new FileError(
      source.path,
      `expected tensors that fit the file of ${source.size} bytes, received ${total} bytes of them`,
    );
  }
  return placements;
}
