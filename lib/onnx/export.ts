/** From a model's forward graph and weights to the message of an ONNX file. */
import { UnsupportedError } from '../errors.ts';
import { decompose } from '../graph/passes/decompose.ts';
import { withoutChance } from '../graph/passes/without_chance.ts';
import type { ClassifierOutput } from '../graph/programs.ts';
import { prune } from '../graph/rewrite.ts';
import { ABSENT, type Graph, type Node } from '../ir/graph.ts';
import type { ModelDefinition } from '../layers/model_builder.ts';
import { type ExportContext, type Exported, exportRules } from './export_ops.ts';
import { OnnxGraph } from './onnx_graph.ts';
import { encode } from './protobuf.ts';
import { dataTypes, type ModelMessage, modelSchema, type ValueInfoMessage } from './schema.ts';

/** A parameter's values in the shape under which state dicts have it. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface ExportSettings {
  readonly opset: number;
  readonly batchSize: number | 'dynamic';
  readonly output: ClassifierOutput;
}

/** A message's own length is a signed 32-bit number. */
const MAX_BYTES = 2 ** 31 - 1;

/** Version of the format that came with each opset from 11 on; later readers know earlier ones. */
const irVersion = (opset: number): number => {
  if (opset <= 11) return 6;
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  return opset <= 20 ? 9 : 10;
};

const hasRule = (op: string): boolean => Object.hasOwn(exportRules, op);

/** The forward graph as inference sees it, in ops that have a rule. */
function plainGraph(definition: ModelDefinition): Graph {
  return prune(decompose(withoutChance(definition.graph), (op) => !hasRule(op)));
}

class Exporter {
  readonly #source: Graph;
  readonly #weights: ReadonlyMap<string, Weight>;
  readonly #opset: number;
  readonly graph = new OnnxGraph();
  readonly #values = new Map<number, Exported>();
  /** Other forms of vectors, by the name of the first. */
  readonly #flat = new Map<string, string>();
  readonly #mapped = new Map<string, string>();

  constructor(source: Graph, weights: ReadonlyMap<string, Weight>, opset: number) {
    this.#source = source;
    this.#weights = weights;
    this.#opset = opset;
    for (const { id, kind, name } of source.values) {
      if (kind === 'input') this.#values.set(id, { name: this.graph.unique(name) });
      if (kind !== 'parameter' && kind !== 'state') continue;
      const { shape, data } = weights.get(name)!;
      this.#values.set(id, { name: this.graph.weight(name, shape, data) });
    }
  }

  run(): Exported {
    for (const node of this.#source.nodes) {
      const rule = hasRule(node.op) ? exportRules[node.op] : undefined;
      if (rule === undefined) {
        throw new UnsupportedError(`exportOnnx: ${node.layer}: ${node.op} has no counterpart in ONNX`);
      }
      this.#values.set(node.outputs[0]!, rule(this.#context(node)));
    }
    return this.#values.get(this.#source.outputs[0]!)!;
  }

  /** A vector as [N, C]. */
  flatten(value: Exported, layer: string): string {
    if (value.isMap !== true) return value.name;
    return this.#other(this.#flat, value.name, () =>
      this.graph.emit('Flatten', layer, [value.name], { axis: 1 }),
    );
  }

  #asMap(id: number, value: Exported, layer: string): string {
    const { shape } = this.#source.values[id]!;
    if (value.isMap === true || shape.length !== 2) return value.name;
    const dims = this.graph.integers([0, shape[1]!, 1, 1]);
    return this.#other(this.#mapped, value.name, () => this.graph.emit('Reshape', layer, [value.name, dims]));
  }

  #other(known: Map<string, string>, name: string, make: () => string): string {
    const form = known.get(name) ?? make();
    known.set(name, form);
    return form;
  }

  #context(node: Node): ExportContext {
    const { layer } = node;
    const id = (position: number) => node.inputs[position] ?? ABSENT;
    const value = (position: number) => this.#values.get(id(position))!;
    return {
      graph: this.graph,
      node,
      opset: this.#opset,
      shape: (of) => this.#source.values[of]!.shape,
      input: (position) => value(position).name,
      has: (position) => id(position) !== ABSENT,
      isMap: (position) => this.#isVectorMap(id(position)),
      flat: (position) =>
        this.#isVectorMap(id(position)) ? this.flatten(value(position), layer) : value(position).name,
      asMap: (position) => this.#asMap(id(position), value(position), layer),
      stored: (position) => {
        const { name, kind, shape } = this.#source.values[id(position)]!;
        return kind === 'parameter' ? this.#weights.get(name)!.shape : shape;
      },
      emit: (opType, input, attributes) => this.graph.emit(opType, layer, input, attributes),
    };
  }

  #isVectorMap(id: number): boolean {
    return this.#source.values[id]!.shape.length === 2 && this.#values.get(id)!.isMap === true;
  }
}

function valueInfo(name: string, dims: readonly (number | 'dynamic')[]): ValueInfoMessage {
  const dim = dims.map((size) =>
    size === 'dynamic' ? { dimValue: undefined, dimParam: 'batch' } : { dimValue: size, dimParam: undefined },
  );
  return { name, type: { tensorType: { elemType: dataTypes.float, shape: { dim } } } };
}

/**
 * The pieces of an ONNX file that computes what the model does in inference.
 *
 * @throws UnsupportedError when the file would be larger than the format allows
 */
export function encodeOnnx(
  definition: ModelDefinition,
  weights: ReadonlyMap<string, Weight>,
  { opset, batchSize, output }: ExportSettings,
): readonly Uint8Array[] {
  const exporter = new Exporter(plainGraph(definition), weights, opset);
  const { graph } = exporter;
  // Reserved before the nodes take it.
  const outputName = graph.unique(output);
  const logits = exporter.flatten(exporter.run(), 'flatten');
  const last = output === 'probabilities' ? 'Softmax' : 'Identity';
  const attributes = output === 'probabilities' ? { axis: 1 } : {};
  graph.emitTo(outputName, last, [logits], attributes);
  if (graph.bytes > MAX_BYTES) {
    throw new UnsupportedError(
      `exportOnnx: expected weights of at most ${MAX_BYTES} bytes, which one ONNX file can hold, received ${graph.bytes}`,
    );
  }
  const [height, width, channels] = definition.input;
  const message: ModelMessage = {
    irVersion: irVersion(opset),
    producerName: 'senet',
    producerVersion: undefined,
    graph: {
      node: graph.nodes,
      name: definition.name,
      initializer: graph.initializers,
      input: [valueInfo('images', [batchSize, channels, height, width])],
      output: [valueInfo(outputName, [batchSize, definition.classes])],
      sparseInitializer: [],
    },
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: [
      { key: 'senet.model', value: definition.name },
      { key: 'senet.config', value: JSON.stringify(definition.config) },
    ],
  };
  const { chunks, size } = encode(modelSchema, message);
  if (size > MAX_BYTES) {
    throw new UnsupportedError(
      `exportOnnx: expected a file of at most ${MAX_BYTES} bytes, which ONNX can have, received ${size}`,
    );
  }
  return chunks;
}
