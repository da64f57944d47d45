/** Tensors whose values lie in files beside an ONNX file, as those of more than 2 GB have to. */
import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { FileError, OutOfMemoryError } from '../errors.ts';
import { quote } from '../io/json_scanner.ts';
import { asFileError, RegularFile } from '../io/regular_file.ts';
import { bytesOfDims } from './constant.ts';
import { FormatProblem } from './protobuf.ts';
import { type ModelMessage, type NodeMessage, type TensorMessage, tensorLocations } from './schema.ts';

/** Bytes in all such files together. */
const MAX_BYTES = 2 ** 32;
/** Letters of a path. */
const MAX_LOCATION = 1024;

/** Where the values of a tensor are. */
interface Place {
  /** The tensor's name, for messages. */
  readonly name: string;
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

const problem = (text: string): never => {
  throw new FormatProblem('externalData', text);
};

const isExternal = ({ dataLocation }: TensorMessage): boolean => dataLocation === tensorLocations.external;

/** A file in the folder of the model or below it. */
function readLocation(text: string | undefined): string {
  if (text === undefined || text === '') return problem('location: expected the name of a file, found none');
  const isPlain = text.length <= MAX_LOCATION && !text.includes('\0');
  const isInside = isPlain && !text.startsWith('/') && !text.split('/').includes('..');
  return isInside
    ? text
    : problem(`location: expected a file in the folder of this one, found ${quote(text)}`);
}

function readNumber(key: string, text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value)
    ? value
    : problem(`${key}: expected a number of bytes, found ${quote(text)}`);
}

function placeOf(tensor: TensorMessage): Place {
  const { name = '', externalData, rawData, floatData, int32Data, int64Data } = tensor;
  if (rawData !== undefined || [floatData, int32Data, int64Data].some((blocks) => blocks.length > 0)) {
    problem('expected the values in one place, found them in this file, too');
  }
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  if (entries.size < externalData.length) problem('expected each key once');
  const location = readLocation(entries.get('location'));
  const offset = readNumber('offset', entries.get('offset') ?? '0');
  const needed = bytesOfDims(tensor);
  const length = readNumber('length', entries.get('length') ?? String(needed));
  if (length !== needed) problem(`length: expected ${needed} bytes for its dimensions, found ${length}`);
  return { name, location, offset, length };
}

/** Every tensor of the graph with an external place is replaced. */
function mapTensors(message: ModelMessage, replace: (tensor: TensorMessage) => TensorMessage): ModelMessage {
  const { graph } = message;
  if (graph === undefined) return message;
  const one = (tensor: TensorMessage, where: string): TensorMessage => {
    try {
      return isExternal(tensor) ? replace(tensor) : tensor;
    } catch (error) {
      throw error instanceof FormatProblem ? error.within(where) : error;
    }
  };
  const inNode = (node: NodeMessage): NodeMessage => ({
    ...node,
    attribute: node.attribute.map((a) =>
      a.t === undefined ? a : { ...a, t: one(a.t, `node '${node.name ?? ''}'`) },
    ),
  });
  const initializer = graph.initializer.map((tensor) => one(tensor, `tensor '${tensor.name ?? ''}'`));
  return { ...message, graph: { ...graph, initializer, node: graph.node.map(inNode) } };
}

/** A file that lies in the folder, also when links are followed. */
async function openInside(path: string, folder: string, location: string): Promise<RegularFile> {
  const file = join(folder, location);
  try {
    const [inside, real] = await Promise.all([realpath(folder), realpath(file)]);
    if (!real.startsWith(inside.endsWith(sep) ? inside : inside + sep)) {
      throw new FileError(
        path,
        `externalData: expected ${quote(location)} in its folder, found a link out of it`,
      );
    }
  } catch (error) {
    throw asFileError(file, 'open', error);
  }
  return RegularFile.open(file);
}

const keyOf = ({ location, offset, length }: Place): string => `${offset} ${length} ${location}`;

const bytesOf = (places: Iterable<Place>): number => {
  let sum = 0;
  for (const { length } of places) sum += length;
  return sum;
};

/** Different stretches of one file. */
async function readStretches(
  path: string,
  location: string,
  places: readonly Place[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Uint8Array>> {
  const file = await openInside(path, dirname(path), location);
  try {
    for (const { name, offset, length } of places) {
      if (offset + length > file.size) {
        throw new FileError(
          path,
          `tensor '${name}': externalData: expected bytes ${offset} to ${offset + length} in ${quote(location)}, which has ${file.size}`,
        );
      }
    }
    if (bytesOf(places) > file.size) {
      throw new FileError(path, `externalData: expected tensors that do not overlap in ${quote(location)}`);
    }
    const stretches = new Map<string, Uint8Array>();
    for (const place of places) {
      const bytes = allocate(place.length, file.path);
      await file.read(bytes, place.offset, signal);
      stretches.set(keyOf(place), bytes);
    }
    await file.requireUnchanged();
    return stretches;
  } finally {
    await file.close();
  }
}

function allocate(size: number, path: string): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    throw new OutOfMemoryError(`${path}: cannot allocate ${size} bytes for its tensors`);
  }
}

/**
 * The message with the values of external tensors in it. Files outside of the folder of `path` are not opened, and nothing
 * is allocated before all that a file is to hold is compared with its size.
 *
 * @throws FormatProblem, FileError or OutOfMemoryError
 */
export async function loadExternalData(
  message: ModelMessage,
  path: string,
  signal: AbortSignal | undefined,
): Promise<ModelMessage> {
  const places = new Map<string, Place>();
  mapTensors(message, (tensor) => {
    const place = placeOf(tensor);
    places.set(keyOf(place), place);
    return tensor;
  });
  if (bytesOf(places.values()) > MAX_BYTES) problem(`expected at most ${MAX_BYTES} bytes in other files`);
  const files = new Map<string, Place[]>();
  for (const place of places.values()) {
    const known = files.get(place.location);
    if (known === undefined) files.set(place.location, [place]);
    else known.push(place);
  }
  const stretches = new Map<string, Uint8Array>();
  for (const [location, distinct] of files) {
    for (const [key, bytes] of await readStretches(path, location, distinct, signal))
      stretches.set(key, bytes);
  }
  return mapTensors(message, (tensor) => ({
    ...tensor,
    rawData: stretches.get(keyOf(placeOf(tensor)))!,
    dataLocation: undefined,
    externalData: [],
  }));
}
