/**
 * PyTorch's zip format (since 1.6): `<root>/data.pkl` holds the pickle, `<root>/data/<key>` the storages. Records are
 * stored, so tensors are read straight from where they lie.
 */
import { crc32 } from 'node:zlib';
import { FileError } from '../errors.ts';
import { type ByteSource, readRange } from './byte_source.ts';
import { quote } from './json_scanner.ts';
import { maxPickleBytes, unpickle } from './pickle.ts';
import { findTorchName, StorageTable } from './torch_objects.ts';
import { findStateDict, locateTensors, type StorageSpan } from './torch_tensors.ts';
import { WeightFile } from './weight_file.ts';
import { contentOf, readZipDirectory, type ZipEntry } from './zip_directory.ts';

/** The content of a small record. */
async function readRecord(
  source: ByteSource,
  entry: ZipEntry,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const begin = await contentOf(source, entry, signal);
  const bytes = await readRange(source, begin, begin + entry.size, signal);
  if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32) {
    throw new FileError(
      source.path,
      `record ${quote(entry.name)}: expected the checksum ${entry.crc32}, received ${crc32(bytes)}; the file is damaged`,
    );
  }
  return bytes;
}

/** The folder that everything is in. */
function rootOf(entries: ReadonlyMap<string, ZipEntry>, path: string): string {
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length === 1) return pickles[0]!.slice(0, -'/data.pkl'.length);
  throw new FileError(
    path,
    `expected one record data.pkl, as torch.save writes it, received ${pickles.length} among ${entries.size} records`,
  );
}

async function requireLittleEndian(
  source: ByteSource,
  entry: ZipEntry | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (entry === undefined) return;
  const order = entry.size > 16 ? '' : Buffer.from(await readRecord(source, entry, signal)).toString();
  if (order !== 'little') {
    throw new FileError(
      source.path,
      `record ${quote(entry.name)}: expected 'little', received ${quote(order)}`,
    );
  }
}

/** Opens a file of the zip format. */
export async function openTorchZip(source: ByteSource, signal?: AbortSignal): Promise<WeightFile> {
  const { path } = source;
  const entries = await readZipDirectory(source, signal);
  const root = rootOf(entries, path);
  await requireLittleEndian(source, entries.get(`${root}/byteorder`), signal);
  const record = `${root}/data.pkl`;
  const pickle = entries.get(record)!;
  const fail = (offset: number, message: string): never => {
    throw new FileError(path, `record ${quote(record)}, byte ${offset}: ${message}`);
  };
  if (pickle.size > maxPickleBytes)
    fail(0, `expected at most ${maxPickleBytes} bytes, received ${pickle.size}`);
  const table = new StorageTable();
  const { value } = unpickle(await readRecord(source, pickle, signal), 0, {
    find: findTorchName,
    persistent: (id) => table.resolve(id),
    fail,
    ended: (offset) => fail(offset, 'the pickle has no end'),
  });
  const content = findStateDict(value, path);
  const placements = await locateTensors(content, source, async (storage): Promise<StorageSpan | string> => {
    const name = `${root}/data/${storage.key}`;
    const entry = entries.get(name);
    if (entry === undefined) return `expected a record ${quote(name)}, found none`;
    const begin = await contentOf(source, entry, signal);
    return {
      name,
      begin,
      end: begin + entry.size,
      ...(entry.crc32 !== 0 && { crc32: entry.crc32 }),
    };
  });
  return new WeightFile(source, 'pytorch-zip', placements, content);
}
