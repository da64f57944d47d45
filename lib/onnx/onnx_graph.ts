/** A graph in ONNX's terms while it is being written: nodes, initializers, and names that are all different. */
import {
  type AttributeMessage,
  attributeTypes,
  dataTypes,
  type NodeMessage,
  type TensorMessage,
} from './schema.ts';

/** A value of an attribute: whole numbers are integers, `{ float }` is a number that need not be one. */
export type AttributeInput = number | string | readonly number[] | { readonly float: number };

const noAttribute = {
  f: undefined,
  i: undefined,
  s: undefined,
  t: undefined,
  floats: [],
  ints: [],
};

function attribute(name: string, value: AttributeInput): AttributeMessage {
  if (typeof value === 'number') return { ...noAttribute, name, type: attributeTypes.int, i: value };
  if (typeof value === 'string')
    return { ...noAttribute, name, type: attributeTypes.string, s: new TextEncoder().encode(value) };
  if ('float' in value) return { ...noAttribute, name, type: attributeTypes.float, f: value.float };
  return { ...noAttribute, name, type: attributeTypes.ints, ints: value };
}

/** A tensor of the file around bytes that are not copied. */
export function tensorMessage(
  name: string,
  dataType: number,
  dims: readonly number[],
  data: ArrayBufferView,
): TensorMessage {
  return {
    dims,
    dataType,
    floatData: [],
    int32Data: [],
    int64Data: [],
    name,
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    externalData: [],
    dataLocation: undefined,
  };
}

export class OnnxGraph {
  readonly nodes: NodeMessage[] = [];
  readonly initializers: TensorMessage[] = [];
  readonly #names = new Set<string>();
  readonly #constants = new Map<string, string>();

  /** The name, or the name with the first free number behind it. */
  unique(name: string): string {
    let chosen = name;
    for (let i = 1; this.#names.has(chosen); i += 1) chosen = `${name}_${i}`;
    this.#names.add(chosen);
    return chosen;
  }

  /** Appends a node with one output; returns the output's name. */
  emit(
    opType: string,
    layer: string,
    input: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    const output = this.unique(layer === '' ? opType.toLowerCase() : layer);
    this.emitTo(output, opType, input, attributes);
    return output;
  }

  /** Appends a node whose output has a name already. */
  emitTo(
    output: string,
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): void {
    this.nodes.push({
      input,
      output: [output],
      name: output,
      opType,
      attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      domain: undefined,
    });
  }

  /** A float32 initializer. */
  weight(name: string, dims: readonly number[], data: Float32Array): string {
    const chosen = this.unique(name);
    this.initializers.push(tensorMessage(chosen, dataTypes.float, dims, data));
    return chosen;
  }

  /** A list of int64 numbers, such as a shape; the same list is stored once. */
  integers(values: readonly number[]): string {
    return this.#constant(`shape_${values.join('_').replaceAll('-', 'm')}`, (name) =>
      tensorMessage(name, dataTypes.int64, [values.length], BigInt64Array.from(values, BigInt)),
    );
  }

  /** A single float32 number. */
  scalar(value: number): string {
    return this.#constant(`scalar_${value}`, (name) =>
      tensorMessage(name, dataTypes.float, [], Float32Array.of(value)),
    );
  }

  /** Bytes of all initializers. */
  get bytes(): number {
    return this.initializers.reduce((sum, { rawData }) => sum + (rawData?.byteLength ?? 0), 0);
  }

  #constant(key: string, make: (name: string) => TensorMessage): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.unique(key);
    this.#constants.set(key, name);
    this.initializers.push(make(name));
    return name;
  }
}
