/**
 * PyTorch's format before the zip (`_use_new_zipfile_serialization=False`): four pickles (magic number, protocol
 * version, sizes of the machine, the object), a fifth with the storages' keys, then each storage with its length ahead.
 */
import { FileError } from '../errors.ts';
import { type ByteSource, readRange } from './byte_source.ts';
import { quote } from './json_scanner.ts';
import { maxPickleBytes, PickleDict, PickleList, type PickleValue, unpickle } from './pickle.ts';
import { findTorchName, StorageTable, type TorchStorage } from './torch_objects.ts';
import { findStateDict, locateTensors, type StorageSpan, storageBytes } from './torch_tensors.ts';
import { WeightFile } from './weight_file.ts';

/** What the file begins with: protocol 2, and an integer of ten bytes. */
export const streamStart = Uint8Array.of(0x80, 2, 0x8a, 10);
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** Bytes that are read to find the end of the pickles; more when they are longer. */
const FIRST_WINDOW = 256 << 10;

/** Thrown when the pickles go on behind the bytes that were read. */
class NeedsMore extends Error {}

interface Pickles {
  readonly root: PickleValue;
  readonly keys: readonly PickleValue[];
  readonly storages: ReadonlyMap<string, TorchStorage>;
  /** Where the storages begin. */
  readonly end: number;
}

function readPickles(bytes: Uint8Array, whole: boolean, path: string): Pickles {
  const table = new StorageTable();
  const parts = ['magic number', 'protocol version', 'machine', 'object', 'storage keys'];
  const values: PickleValue[] = [];
  let at = 0;
  const wrong = (part: string, message: string): never => {
    throw new FileError(path, `${part}: ${message}`);
  };
  for (const part of parts) {
    const { value, end } = unpickle(bytes, at, {
      find: findTorchName,
      persistent: (id) => table.resolve(id),
      fail: (offset, message) => wrong(`${part}, byte ${offset}`, message),
      ended: (offset) => {
        if (!whole) throw new NeedsMore();
        return wrong(`${part}, byte ${offset}`, 'the pickle has no end');
      },
    });
    at = end;
    values.push(value);
    if (part === 'magic number' && value !== MAGIC)
      wrong(part, `expected that of torch.save, received ${String(value)}`);
    if (part === 'protocol version' && value !== PROTOCOL)
      wrong(
        part,
        `expected ${PROTOCOL}, received ${typeof value === 'number' ? value : 'another kind of value'}`,
      );
    if (part === 'machine' && !(value instanceof PickleDict && value.entries.get('little_endian') === true))
      wrong(part, 'expected a file of a little-endian machine');
  }
  const keys = values[4];
  if (!(keys instanceof PickleList)) return wrong('storage keys', 'expected a list');
  return { root: values[3]!, keys: keys.items, storages: table.storages, end: at };
}

async function findPickles(source: ByteSource, signal: AbortSignal | undefined): Promise<Pickles> {
  for (let window = FIRST_WINDOW; ; window *= 8) {
    const size = Math.min(window, maxPickleBytes, source.size);
    const whole = size < window;
    try {
      return readPickles(await readRange(source, 0, size, signal), whole, source.path);
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error;
    }
  }
}

/** Finds each storage behind the pickles, in the order of the keys, and checks that they fill the file. */
async function findStorages(
  source: ByteSource,
  { keys, storages, end }: Pickles,
  signal: AbortSignal | undefined,
): Promise<Map<string, StorageSpan>> {
  const spans = new Map<string, StorageSpan>();
  let at = end;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    const label = typeof key === 'string' ? `storage ${quote(key)}` : 'storage keys';
    const fail = (message: string): never => {
      throw new FileError(source.path, `${label}: ${message}`);
    };
    if (storage === undefined) return fail('expected the key of a storage that the object names');
    if (spans.has(storage.key)) fail('expected each key once');
    if (at + 8 > source.size) fail(`expected its length at byte ${at}, the file has ${source.size} bytes`);
    const length = Buffer.from(await readRange(source, at, at + 8, signal)).readBigInt64LE();
    if (length !== BigInt(storage.elements))
      fail(`expected ${storage.elements} elements, as the object says, received ${length}`);
    const begin = at + 8;
    at = begin + Number(storageBytes(storage));
    if (!(at <= source.size))
      fail(
        `expected ${storage.elements} elements of ${storage.dtype} from byte ${begin}, the file has ${source.size} bytes`,
      );
    spans.set(storage.key, { name: storage.key, begin, end: at });
  }
  if (at !== source.size)
    throw new FileError(
      source.path,
      `expected the file to end at byte ${at}, after its storages, received ${source.size} bytes`,
    );
  return spans;
}

/** Opens a file of the format before the zip. */
export async function openTorchStream(source: ByteSource, signal?: AbortSignal): Promise<WeightFile> {
  const pickles = await findPickles(source, signal);
  const content = findStateDict(pickles.root, source.path);
  const spans = await findStorages(source, pickles, signal);
  const placements = await locateTensors(content, source, async ({ key }) => {
    return spans.get(key) ?? `storage ${quote(key)}: expected its values in the file, found none`;
  });
  return new WeightFile(source, 'pytorch-stream', placements, content);
}
