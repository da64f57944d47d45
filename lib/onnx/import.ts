/** From the bytes of an ONNX file to a model's definition and weights. */
import { FileError, isSenetError, UnsupportedError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { dropUnusedInputs, prune, rewrite } from '../graph/rewrite.ts';
import { f32, type Graph, sizeOf } from '../ir/graph.ts';
import type { ModelDefinition } from '../layers/model_builder.ts';
import { readConstant } from './constant.ts';
import type { Weight } from './export.ts';
import { loadExternalData } from './external_data.ts';
import { foldPads } from './fold_pads.ts';
import { type ImportRule, layerRules } from './import_layers.ts';
import { ImportNode } from './import_node.ts';
import { shapeRules } from './import_shapes.ts';
import { sizeRules } from './import_sizes.ts';
import { Parameters } from './parameters.ts';
import { Budget, decode, FormatProblem } from './protobuf.ts';
import { recogniseTails } from './recognise.ts';
import {
  dataTypes,
  type GraphMessage,
  type ModelMessage,
  modelSchema,
  type NodeMessage,
  opsets,
} from './schema.ts';
import { describe, type Feature, type Value } from './values.ts';

export interface ImportSettings {
  /** Height and width, where the file leaves them open. */
  readonly size: readonly [height: number, width: number] | undefined;
}

export interface Imported {
  readonly definition: ModelDefinition;
  readonly weights: ReadonlyMap<string, Weight>;
}

/** Most numbers that a value may have for one image; the limit of our sizes. */
const MAX_ELEMENTS = 2 ** 31 - 1;

const rules: Readonly<Record<string, ImportRule>> = { ...layerRules, ...shapeRules, ...sizeRules };
const isStandard = (domain: string | undefined): boolean =>
  domain === undefined || domain === '' || domain === 'ai.onnx';

function ruleOf({ opType = '', domain }: NodeMessage): ImportRule | undefined {
  return isStandard(domain) && Object.hasOwn(rules, opType) ? rules[opType] : undefined;
}

const problem = (where: string, text: string): never => {
  throw new FormatProblem(where, text);
};

/** How messages call a node. */
function nameOf(node: NodeMessage, index: number): string {
  const name = node.name ? `'${node.name}'` : `${index}`;
  return `node ${name} (${node.opType ?? 'no operator'})`;
}

/** Names all operators that are missing at once, with some of their nodes. */
function requireSupported(nodes: readonly NodeMessage[], path: string): void {
  const missing = new Map<string, string[]>();
  for (const [i, node] of nodes.entries()) {
    if (ruleOf(node) !== undefined) continue;
    const operator = isStandard(node.domain)
      ? (node.opType ?? 'no operator')
      : `${node.domain}.${node.opType}`;
    const list = missing.get(operator) ?? [];
    list.push(node.name ? `'${node.name}'` : `node ${i}`);
    missing.set(operator, list);
  }
  if (missing.size === 0) return;
  const words = [...missing].slice(0, 20).map(([operator, names]) => {
    const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
    return `${operator} (${names.slice(0, 3).join(', ')}${more})`;
  });
  const others = missing.size === 1 ? 'other' : 'others';
  throw new UnsupportedError(
    `${path}: expected operators that senet has, found ${missing.size} ${others}: ${words.join('; ')}`,
  );
}

function opsetOf({ opsetImport }: ModelMessage): number {
  const found = opsetImport.filter(({ domain }) => isStandard(domain));
  const version = found[0]?.version;
  if (found.length !== 1 || version === undefined) {
    return problem('opsetImport', `expected one version of the standard operators, found ${found.length}`);
  }
  if (!(version >= opsets.least && version <= opsets.most)) {
    throw new UnsupportedError(`opset: expected ${opsets.least} to ${opsets.most}, found ${version}`);
  }
  return version;
}

/** Height, width and channels of the one input that no initializer fills. */
function inputOf(graph: GraphMessage, { size }: ImportSettings) {
  const given = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !given.has(name));
  const [input] = inputs;
  if (input?.name === undefined || inputs.length !== 1) {
    throw new UnsupportedError(`input: expected one, the images, found ${inputs.length}`);
  }
  const where = `input '${input.name}'`;
  const { elemType, shape } = input.type?.tensorType ?? {};
  if (elemType !== dataTypes.float)
    throw new UnsupportedError(`${where}: expected float32, found type ${elemType}`);
  const dims = shape?.dim.map(({ dimValue }) => dimValue) ?? [];
  if (dims.length !== 4)
    throw new UnsupportedError(`${where}: expected [N, C, H, W], found ${dims.length} dimensions`);
  const [, c, h, w] = dims;
  const [height, width] = size ?? [h, w];
  if (size !== undefined && ((h ?? size[0]) !== size[0] || (w ?? size[1]) !== size[1])) {
    throw new UnsupportedError(`${where}: expected images of ${size.join('x')}, the file has ${h}x${w}`);
  }
  const whole = [height, width, c];
  if (whole.some((d) => d === undefined)) {
    throw new UnsupportedError(
      `${where}: expected fixed channels, height and width; give the size of the images`,
    );
  }
  if (whole.some((d) => !Number.isSafeInteger(d) || d! < 1) || sizeOf(whole as number[]) > MAX_ELEMENTS) {
    problem(where, `expected sizes of at least 1, found [N, ${c}, ${height}, ${width}]`);
  }
  return { name: input.name, input: whole as [number, number, number] };
}

class Importer {
  readonly #graph: GraphMessage;
  readonly #path: string;
  readonly #opset: number;
  readonly #values = new Map<string, Value>();
  readonly #uses = new Map<string, number>();
  readonly builder = new GraphBuilder();
  readonly parameters = new Parameters(this.builder);

  constructor(graph: GraphMessage, path: string, opset: number) {
    this.#graph = graph;
    this.#path = path;
    this.#opset = opset;
    const read = [...graph.node.flatMap(({ input }) => input), ...graph.output.map(({ name }) => name ?? '')];
    for (const name of read) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
  }

  run(inputName: string, input: readonly [number, number, number]): Feature {
    const images = this.builder.input('images', f32(1, ...input));
    this.#set(inputName, { kind: 'feature', id: images, look: { kind: 'map' } });
    for (const [i, tensor] of this.#graph.initializer.entries()) {
      const where = tensor.name ? `tensor '${tensor.name}'` : `tensor ${i}`;
      this.#within(where, () => this.#set(tensor.name ?? '', readConstant(tensor, tensor.name ?? '')));
    }
    for (const [i, node] of this.#graph.node.entries()) this.#within(nameOf(node, i), () => this.#read(node));
    return this.#output();
  }

  #set(name: string, value: Value): void {
    if (name === '') problem('', 'expected a name, found none');
    if (this.#values.has(name)) problem('', `the name '${name}' is given twice`);
    this.#values.set(name, value);
  }

  #read(node: NodeMessage): void {
    const inputs = node.input.map((name) => {
      if (name === '') return undefined;
      return this.#values.get(name) ?? problem('', `the input '${name}' is computed by no node before it`);
    });
    this.builder.layer = this.#layerOf(node);
    const before = this.builder.values.length;
    const outputs = ruleOf(node)!(new ImportNode(node, inputs, this.parameters, this.#opset, this.#uses));
    for (const { shape } of this.builder.values.slice(before)) {
      if (!(sizeOf(shape) <= MAX_ELEMENTS)) problem('', `a value of ${shape.join('x')} is too large`);
    }
    for (const [i, name] of node.output.entries()) {
      if (name === '') continue;
      const value = outputs[i];
      if (value !== undefined) this.#set(name, value);
      else if (this.#uses.has(name)) throw new UnsupportedError(`its output ${i} is not supported`);
    }
  }

  /** The name of a layer's weight without its last part, or the node's own. */
  #layerOf(node: NodeMessage): string {
    const weight = node.input.find(
      (name) => name.endsWith('.weight') && this.#values.get(name)?.kind === 'floats',
    );
    return weight?.slice(0, -'.weight'.length) ?? (node.name || node.output[0] || '');
  }

  #output(): Feature {
    const { output } = this.#graph;
    const name = output[0]?.name ?? '';
    if (output.length !== 1) {
      throw new UnsupportedError(`${this.#path}: output: expected one, the classes, found ${output.length}`);
    }
    const where = `output '${name}'`;
    const value = this.#values.get(name) ?? problem(where, 'is computed by no node');
    if (
      value.kind !== 'feature' ||
      value.look.kind !== 'vector' ||
      this.builder.type(value.id).shape[1]! < 2
    ) {
      throw new UnsupportedError(
        `${this.#path}: ${where}: expected [N, classes] of at least 2 classes, found ${describe(value)}`,
      );
    }
    return value;
  }

  /** Adds to an error where it is. */
  #within(where: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof UnsupportedError) {
        throw new UnsupportedError(`${this.#path}: ${where}: ${error.message}`);
      }
      // A layer that does not fit, as our own ops say it.
      if (isSenetError(error))
        throw new FileError(this.#path, `${where}: ${error.message}`, { cause: error });
      throw error instanceof FormatProblem ? error.within(where) : error;
    }
  }
}

/** The definition's parameters: those that are left when everything is recognised. */
function keepUsed(graph: Graph): Graph {
  const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  return rewrite(
    dropUnusedInputs(graph),
    () => undefined,
    ({ id, kind }) => kind === 'input' || used.has(id),
  );
}

function assemble(message: ModelMessage, path: string, settings: ImportSettings): Imported {
  const { graph } = message;
  if (graph === undefined) return problem('graph', 'expected a graph, found none');
  if (graph.sparseInitializer.length > 0)
    throw new UnsupportedError(`${path}: sparse tensors are not supported`);
  requireSupported(graph.node, path);
  const opset = opsetOf(message);
  const { name: inputName, input } = inputOf(graph, settings);
  const importer = new Importer(graph, path, opset);
  const logits = importer.run(inputName, input);
  const plain = prune(importer.builder.finish([logits.id]));
  const recognised = recogniseTails(foldPads(plain));
  const kept = keepUsed(recognised);
  const names = new Set(kept.values.filter(({ kind }) => kind !== 'intermediate').map(({ name }) => name));
  const parameters = importer.parameters.specs.filter(({ name }) => names.has(name));
  const name = graph.name || 'onnx';
  return {
    definition: {
      name,
      config: { model: name, format: 'onnx', opset, input },
      graph: kept,
      parameters,
      input,
      classes: importer.builder.type(logits.id).shape[1]!,
    },
    weights: importer.parameters.weights(names),
  };
}

const parse = (bytes: Uint8Array): ModelMessage =>
  // A plain Uint8Array even when a Buffer was given, whose slice() would share memory.
  decode(modelSchema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), new Budget());

/** Adds to an error which file it is about. */
function about(path: string, error: unknown): unknown {
  if (error instanceof UnsupportedError && !error.message.startsWith(path)) {
    return new UnsupportedError(`${path}: ${error.message}`);
  }
  if (error instanceof FormatProblem) {
    return new FileError(path, error.where === '' ? error.message : `${error.where}: ${error.message}`);
  }
  return error;
}

/**
 * Reads an ONNX file from memory, which must hold all values.
 *
 * @param path what error messages call the file
 * @throws FileError or UnsupportedError naming the tensor or node
 */
export function decodeOnnx(bytes: Uint8Array, path: string, settings: ImportSettings): Imported {
  try {
    return assemble(parse(bytes), path, settings);
  } catch (error) {
    throw about(path, error);
  }
}

/**
 * The same for a file on disk, with the values that it has in files beside it.
 *
 * @param bytes the content of the file at `path`
 * @throws FileError, UnsupportedError or OutOfMemoryError naming the tensor or node
 */
export async function readOnnx(
  bytes: Uint8Array,
  path: string,
  settings: ImportSettings,
  signal?: AbortSignal,
): Promise<Imported> {
  try {
    return assemble(await loadExternalData(parse(bytes), path, signal), path, settings);
  } catch (error) {
    throw about(path, error);
  }
}
